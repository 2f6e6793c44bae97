"""Pairs of comparisons and searches for a cause on hosts, with stand-ins for what takes time."""

import hashlib
from contextlib import suppress

import pytest

from harness import modes
from harness.blame.at_hosts import HostSearches
from harness.blame.messages import Question
from harness.comparisons import calibration, revisions
from harness.comparisons.at_hosts import HostMeter
from harness.errors import ChildFailedError
from harness.hosts import engine
from harness.hosts.parcel import packed, unpacked
from harness.hosts.run import HostMachines
from harness.hosts.shipping import Tree
from harness.records import Comparison, Pair
from harness.runs.observer import CalibrationObserver, PairObserver
from harness.store.run_folder import RunFolder
from tests.hosts.test_place import journal

pytestmark = [pytest.mark.hosts, pytest.mark.any_tensorflow]

NOTE = """
import json, os, sys
from pathlib import Path
with open(Path(os.environ["STYLEBENCH_CLAIMS"]) / "run.txt", "a") as file:
    file.write(f"{name} {os.getpid()}\\n")
"""
BENCH = (
    """
import sys
arguments = dict(zip(sys.argv[1::2], sys.argv[2::2]))
name = {name!r}
assert arguments["--device"] == "cpu" and open(arguments["--content"]).read() == "pixels"
"""
    + NOTE.replace("{", "{{").replace("}", "}}")
    + """
folder = Path(arguments["--output"]) / "run"
folder.mkdir()
case = {{"id": "small", "steps": 1, "settings": 1, "seed": 0, "inputs": 1}}
trial = {{"case": "small", "step_seconds": {seconds}}}
(folder / "run.json").write_text(json.dumps({{"suite": {{"cases": [case]}}, "trials": [trial]}}))
"""
)
TWINS = (
    "name = 'pair'\n"
    + NOTE
    + """
home = Path(sys.argv[1])
asked = json.loads((home / "question").read_text())
assert (home / "files" / asked["calibration"]["case"]["content"]).is_file()
pair = {"comparison": asked["comparison"], "number": asked["number"], "wall_seconds": 1.0, "base_seconds": 1.0,
        "head_seconds": 1.0, "delayed_seconds": 1.05, "log_ratio": 0.0, "delayed_log_ratio": 0.05}
(home / "answer").write_text(json.dumps({"pair": pair}))
"""
)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """The folders of two hosts, where what runs there notes itself."""
    return [tmp_path_factory.mktemp(name) for name in "ab"]


@pytest.fixture(scope="module")
def shared(cluster, add_for_all, folders):
    """Two hosts, claimed for all tests; each test says what code they get."""
    for folder in folders:
        add_for_all(claims=folder)
    claimed = engine.connect(cluster.address, "cpu")
    yield claimed
    engine.disconnect(claimed)


@pytest.fixture
def machines(shared, folders):
    """Makes hosts that get this project's code with these files in it; nothing has run there yet."""
    for folder in folders:
        with suppress(FileNotFoundError):
            (folder / "run.txt").unlink()

    def changed(**files):
        entries = unpacked(shared.tree.archive)
        entries.update({name.replace("__", "/") + ".py": text.encode() for name, text in files.items()})
        archive = packed(entries)
        return HostMachines(shared._replace(tree=Tree(hashlib.sha256(archive).hexdigest(), archive)))

    return changed


def test_both_trees_of_a_pair_run_on_one_host_and_pairs_on_both(machines, folders, tmp_path):
    hosts = machines(bench=BENCH.format(name="head", seconds=2.0))
    base_archive = packed({"bench.py": BENCH.format(name="base", seconds=1.0).encode()})
    base = Tree(hashlib.sha256(base_archive).hexdigest(), base_archive)
    (tmp_path / "picture.png").write_text("pixels")
    folder = RunFolder.create(tmp_path / "results", "against")
    options = ["--content", str(tmp_path / "picture.png"), "--device", "auto"]
    meters = [HostMeter(device, base, options, folder.path, PairObserver(), False, 600.0) for device in hosts.alike()]
    comparison = Comparison(base="b", modes=("m",), looks=(4, 4), started="", command=())
    pairs = []
    assert revisions.measure_pairs(comparison, meters, pairs, folder, PairObserver()) == ()
    assert sorted((pair.number, pair.base_seconds, pair.head_seconds) for pair in pairs) == [
        (number, 1.0, 2.0) for number in (1, 2, 3, 4)
    ]
    assert len(folder.recover_journal(comparison.owner, Pair)) == 4
    assert [sorted(name for name, _ in journal(each)) for each in folders] == [["base"] * 2 + ["head"] * 2] * 2
    assert (folder.path / "3-head-m/run/run.json").exists()


def test_a_calibration_s_comparisons_are_spread_and_each_is_whole(machines, folders, suite, tmp_path):
    hosts = machines(harness__comparisons__on_host=TWINS)
    folder, plan = calibration.begin(suite, "cpu", 4, (2, 2), False, tmp_path / "results", "", hosts)
    assert plan.environment.machine_key == hosts.describe().machine_key
    groups = calibration.measure(plan, (), folder, "", CalibrationObserver(), hosts)
    assert [[pair.number for pair in group] for group in groups] == [[1, 2]] * 4
    assert [len(journal(each)) for each in folders] == [4, 4]


def test_searches_run_side_by_side_and_say_what_they_said(machines, case):
    messages = '{"messages": [{"phase": "noise"}, {"error": "nothing to find"}]}'
    hosts = machines(harness__blame__on_host=f"import sys; open(sys.argv[1] + '/answer', 'w').write({messages!r})")
    questions = [Question(case=case, mode=modes.get(name)) for name in ("force_fp16", "allow_mix_precision")]
    searches, heard = HostSearches(hosts.alike(), questions), []
    for question in questions:
        with pytest.raises(ValueError, match="^nothing to find$"):
            searches.blame(question, heard.append)
    assert [answer.phase for answer in heard] == ["hosts", "noise"] * 2


def test_a_search_that_fails_on_its_host_says_so(machines, case):
    hosts = machines(harness__blame__on_host="import sys; sys.exit('no memory')")
    question = Question(case=case, mode=modes.get("force_fp16"))
    with pytest.raises(ChildFailedError, match="^the search failed: host .*: no memory$"):
        HostSearches(hosts.alike(), [question]).blame(question, lambda answer: None)
