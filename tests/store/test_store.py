import json
import os

import pytest

from harness.errors import UsageError
from harness.records import Baseline
from harness.records.events import Phase
from harness.store.baselines import Baselines
from harness.store.files import slug, write_atomic, write_lines
from harness.store.run_folder import RunFolder
from tests.builders import card_of


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "run.json"
    write_atomic(path, b"old")

    def full_disk(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(OSError, match="No space"):
        write_atomic(path, b"new")
    assert path.read_bytes() == b"old"
    assert os.listdir(str(tmp_path)) == ["run.json"]


def test_two_runs_of_one_second_get_two_folders(tmp_path):
    folders = [RunFolder.create(tmp_path / "results", "perf").path for _ in range(5)]
    assert len(set(folders)) == 5
    assert all(folder.is_dir() for folder in folders)


@pytest.mark.parametrize("place", ["file", "below a file"])
def test_an_output_folder_that_cannot_be_made_is_a_usage_error(tmp_path, place):
    (tmp_path / "file").write_text("")
    results = tmp_path / "file" if place == "file" else tmp_path / "file" / "results"
    with pytest.raises(UsageError, match=r"output folder .*file.* \(expected one that can be written"):
        RunFolder.create(results, "perf")


def test_the_journal_grows_by_whole_lines(tmp_path):
    folder = RunFolder.create(tmp_path, "perf")
    for name in ("graph", "steps"):
        folder.append_journal("perf-1", Phase(name=name))
    lines = (folder.path / "journal.jsonl").read_text().splitlines()
    assert [json.loads(line)["name"] for line in lines] == ["graph", "steps"]


def test_lines_can_be_read_back(tmp_path):
    write_lines(tmp_path / "events.jsonl", [Phase(name="graph"), Phase(name="first_step")])
    assert (tmp_path / "events.jsonl").read_text().count("\n") == 2


@pytest.mark.parametrize(
    "text, name",
    [
        ("a b/c", "a-b-c"),
        ("../../etc", "etc"),
        ("..", "unnamed"),
        ("mix+mat.1", "mix+mat.1"),
        ("名单一.json", "名单一.json"),
        ("a\x1b[31mb", "a-31mb"),
        ("un été", "un-été"),
    ],
)
def test_a_slug_is_one_harmless_path_component(text, name):
    assert slug(text) == name


def test_a_power_card_changed_by_hand_is_refused(suite, tmp_path):
    baselines = Baselines(tmp_path)
    card = card_of(suite)
    path = baselines.save_card(card)
    where = (card.machine_key, card.suite, card.case)
    assert baselines.load_card(*where).spread == card.spread
    path.write_text(path.read_text().replace('"false_alarms": 1', '"false_alarms": 0'))
    with pytest.raises(UsageError, match="its checksum is not that of its figures"):
        baselines.load_card(*where)


def test_a_section_that_is_added_later_leaves_older_files_whole(suite, tmp_path):
    baselines, (case,), (mode,) = Baselines(tmp_path), suite.cases, suite.modes
    about = {"case_digest": case.digest(), "run": "tiny-1", "revision": None, "packages": {}, "reason": "", "date": ""}
    path = baselines.save(Baseline(suite=suite.name, case=case.id, mode=mode, **about))
    document = json.loads(path.read_text())
    del document["timing"]
    path.write_text(json.dumps(document))
    assert baselines.load(suite.name, case.id, mode.name).timing is None


def test_long_names_stay_distinct_and_are_names_that_a_file_system_takes(tmp_path):
    names = {slug("名" * 90 + end) for end in "ab"}
    assert len(names) == 2
    for name in names:
        (tmp_path / f"{name}.trial.json").touch()
