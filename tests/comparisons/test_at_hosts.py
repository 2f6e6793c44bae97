"""What comes of pairs that are measured on hosts, and of those that are not, without Ray."""

import sys
from types import SimpleNamespace

import pytest

from harness.comparisons import calibration, revisions
from harness.comparisons.at_hosts import HostMeter
from harness.comparisons.trees import IncomparableError, TreeFailedError
from harness.hosts.shipping import Tree
from harness.records import CalibrationPair
from harness.runs.machines import ThisMachine
from harness.runs.observer import CalibrationObserver, PairObserver
from harness.trial import supervisor
from harness.trial.place import LostError
from tests.comparisons.test_calibration import STEPS
from tests.hosts.here import HereDevice


class Listener(CalibrationObserver):
    """Notes what it is told."""

    def __init__(self):
        self.started, self.ended = [], []

    def trial_started(self, trial, number, planned):
        self.started.append(trial.id)

    def trial_ended(self, trial, result):
        assert trial.id == result.trial
        self.ended.append((result.trial, result.status, result.reason))


@pytest.fixture
def measured(monkeypatch, suite, tmp_path):
    """Measures two comparisons of two pairs on hosts whose workers are this program; returns pairs, folder, listener.

    Each host goes away after as many pairs as `lives` says.
    """

    def measure(program=STEPS, lives=(10**6,)):
        monkeypatch.setattr(supervisor, "WORKER", (sys.executable, "-c", program))
        machines = ThisMachine("cpu")
        machines.alike = lambda: [HereDevice(tmp_path / f"host{index}", lives=each) for index, each in enumerate(lives)]
        listener = Listener()
        folder, plan = calibration.begin(suite, "cpu", 2, (2, 2), False, tmp_path / "results", "", machines)
        measure.folder, measure.listener, measure.plan = folder, listener, plan
        return calibration.measure(plan, (), folder, "", listener, machines)

    return measure


def test_a_calibration_on_a_host_is_told_of_and_its_files_come_back(measured):
    groups = measured()
    assert [[(pair.base_seconds, pair.head_seconds) for pair in group] for group in groups] == [[(0.5, 0.5)] * 2] * 2
    names = [f"{pair}.{side}" for pair in ("1.1", "1.2", "2.1", "2.2") for side in ("base", "head")]
    assert measured.listener.started == names
    assert sorted(measured.listener.ended) == [(name, "ok", "") for name in names]
    for name in names:
        assert (measured.folder.path / "trials" / name / "samples.jsonl").read_text().count("\n") > 5


def test_a_process_that_fails_on_a_host_ends_the_calibration_as_it_does_here(measured):
    reason = r"^host test: calibration {}: 1.1.(base|head): crashed: .*exit status 7"
    with pytest.raises(calibration.TrialFailedError) as raised:
        measured("import sys; sys.exit(7)")
    assert raised.match(reason.format(measured.folder.path))
    assert any(status == "crashed" for _, status, _ in measured.listener.ended)
    assert measured.folder.recover_journal(measured.plan.id, CalibrationPair) == []


def test_a_comparison_whose_host_went_away_is_told_of_and_others_do_what_it_had_left(measured):
    groups = measured(lives=(1, 10**6))
    # The first host's comparison has one pair, which --resume goes on from; its second would have been another's.
    assert sorted(len(group) for group in groups) == [1, 2]
    lost = [reason for _, status, reason in measured.listener.ended if status == "crashed"]
    assert lost == ["host test went away"] * 2


BENCH = "import sys; sys.exit({status})"


@pytest.mark.parametrize("status, kind", [(5, TreeFailedError), (2, IncomparableError)])
def test_trees_that_fail_on_a_host_say_so_as_they_do_here_and_leave_their_logs(tmp_path, status, kind):
    trees = [tmp_path / "head", tmp_path / "base"]
    for tree in trees:
        tree.mkdir()
        (tree / "bench.py").write_text(BENCH.format(status=status))
    device = HereDevice(tmp_path / "host", trees)
    meter = HostMeter(device, Tree("", b""), [], tmp_path / "runs", PairObserver(), False, 60.0)
    log = tmp_path / "runs/1-base-m/log.txt"
    with pytest.raises(
        kind, match=f"^host test: base: bench.py ended with status {status} in mode m; log {log}$"
    ) as it:
        meter.measure(1, "m")
    assert type(it.value) is kind and log.exists()


def test_a_pair_that_is_lost_is_said_with_what_has_been_measured(tmp_path, monkeypatch):
    def lose(comparison, meters, pairs, folder, observer):
        raise LostError("host test went away")

    monkeypatch.setattr(revisions, "measure_pairs", lose)
    plan = revisions.Plan(["force_fp16"], [], (4, 4), budget=None, in_turns=True, timeout=9.0, command=())
    with pytest.raises(revisions.LostPairError, match="^host test went away$") as lost:
        revisions.compare("HEAD", plan, tmp_path, SimpleNamespace(), PairObserver())
    assert lost.value.pairs == 0 and (lost.value.folder / "comparison.json").exists()
