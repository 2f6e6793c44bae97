import os
import re
import subprocess
import sys

from reports.documents import comment
from tests.conftest import ROOT
from tests.reports.runs import make_run


def _folders(tmp_path, case):
    """Two folders with a run each, the first with an older one too, and one folder without any."""
    for index, place in enumerate(("plans/tiny-1", "plans/tiny-2", "pictures/tiny-3")):
        (tmp_path / place).parent.mkdir(exist_ok=True)
        os.utime(str(make_run(tmp_path / place, case).record), (index, index))
    return [tmp_path / name for name in ("plans", "nothing", "pictures")]


def test_the_newest_run_of_each_folder_is_told_in_the_order_given(tmp_path, case):
    text = comment.render(_folders(tmp_path, case), 60_000).decode()
    assert text.count("### ") == 2 and "tiny-1" not in text
    assert text.index("tiny-2") < text.index("tiny-3")


def test_it_is_cut_between_parts_and_every_run_is_begun(tmp_path, case):
    folders = _folders(tmp_path, case)
    whole = len(comment.render(folders, 60_000))
    for limit in range(1000, whole, 500):
        text = comment.render(folders, limit).decode()
        assert len(text.encode()) <= limit and text.count("### ") == 2
        assert text.count("<details>") == text.count("</details>") and text.count("```") % 2 == 0
        assert "Shortened" in text


def test_a_folder_with_a_record_that_cannot_be_read_is_left_out(tmp_path, case):
    folders = _folders(tmp_path, case)
    for path in folders[0].glob("*/run.json"):
        path.write_text("{")
    assert comment.render(folders, 60_000).decode().count("### ") == 1


def test_the_command_writes_it_to_standard_output(tmp_path, case):
    command = [sys.executable, "-m", "reports.documents.comment", *map(str, _folders(tmp_path, case))]
    told = subprocess.run(command, cwd=str(ROOT), stdout=subprocess.PIPE, check=True).stdout.decode()
    assert len(re.findall("^### ", told, re.M)) == 2
