import json
import subprocess
from types import SimpleNamespace

import pytest

from harness.comparisons import revisions
from harness.comparisons.trees import IncomparableError, Meter, Tree, TreeFailedError
from harness.errors import UsageError
from harness.gates import exit_status
from harness.records import Comparison, Pair
from harness.remark import remark
from harness.runs.observer import PairObserver
from harness.store.run_folder import RunFolder
from reports.language import ENGLISH
from tests.conftest import ROOT

STAND_IN = """
import json, os, sys
arguments = dict(zip(sys.argv[1::2], sys.argv[2::2]))
with open(os.environ["ORDER"], "a") as order:
    order.write({name!r} + " ")
record = {record}
folder = os.path.join(arguments["--output"], "run")
os.makedirs(folder)
with open(os.path.join(folder, "run.json"), "w") as file:
    json.dump(record, file)
sys.exit({status})
"""
CASE = {"id": "c", "steps": 5, "settings": {}, "seed": 0, "inputs": {"width": 48}}


def _record(seconds=1.0, **case):
    trial = {"trial": "t", "case": "c", "step_seconds": seconds, "emulated": False}
    return {"suite": {"cases": [{**CASE, **case}]}, "trials": [trial]}


@pytest.fixture
def measure(tmp_path, monkeypatch):
    """Measures stand-ins for two trees; returns the pairs and the order in which the trees ran."""
    monkeypatch.setenv("ORDER", str(tmp_path / "order"))

    def run(base, head, pairs=2, statuses=(0, 0), most=None, undecided=None, in_turns=False, budget=None):
        trees = []
        for name, record, status in zip(("base", "head"), (base, head), statuses):
            (tmp_path / name).mkdir()
            (tmp_path / name / "bench.py").write_text(STAND_IN.format(name=name, record=record, status=status))
            trees.append(Tree(name, tmp_path / name))
        folder = RunFolder.create(tmp_path / "runs", "against")
        meter = Meter(*trees, [], folder.path, PairObserver(), in_turns)
        looks = (pairs, most or pairs)
        comparison = Comparison(base="b", modes=("m",), looks=looks, budget=budget, started="", command=())
        found = []
        monkeypatch.setattr(revisions, "undecided_modes", lambda found, *_: undecided(found))
        monkeypatch.setattr(revisions, "_head_run", lambda *_: SimpleNamespace(suite=SimpleNamespace(limits=())))
        run.stopped = revisions.measure_pairs(comparison, [meter], found, folder, PairObserver())
        assert folder.recover_journal(comparison.owner, Pair) == found
        return found, (tmp_path / "order").read_text().split()

    return run


def test_the_trees_take_turns_in_the_order_abba(measure):
    pairs, order = measure(_record(1.0), _record(1.25), pairs=4)
    assert order == ["base", "head", "head", "base"] * 2
    assert [(pair.number, pair.base_seconds, pair.head_seconds) for pair in pairs] == [
        (number, 1.0, 1.25) for number in (1, 2, 3, 4)
    ]


IN_TURNS = """
import json, os, sys
sys.path.insert(0, {root!r})
from harness.step.turns import PAIRED_STEPS, VARIABLE, WARM_UP_STEPS, Turns
arguments = dict(zip(sys.argv[1::2], sys.argv[2::2]))
folder = os.path.join(arguments["--output"], "run")
os.makedirs(folder)
with Turns(os.environ.get(VARIABLE, "")) as turns, open(os.path.join(folder, "samples.jsonl"), "w") as samples:
    for number in range(WARM_UP_STEPS + PAIRED_STEPS):
        turns.wait()
        slow = 9.0 if number < WARM_UP_STEPS else 1.0 + number % 7  # what both sides see of the machine
        samples.write(json.dumps({{"phase": "step", "seconds": slow * {seconds}}}) + chr(10))
with open(os.path.join(folder, "run.json"), "w") as file:
    json.dump({record}, file)
"""


def test_two_trees_that_know_how_step_in_turns(tmp_path, monkeypatch):
    trees = []
    for name, seconds in (("base", 1.0), ("head", 1.25)):
        record = _record(3.0)
        record["trials"][0].update(samples="samples.jsonl", steady=False)
        program = IN_TURNS.format(root=str(ROOT), seconds=seconds, record=record)
        (tmp_path / name).mkdir()
        (tmp_path / name / "bench.py").write_text(program)
        trees.append(Tree(name, tmp_path / name))
    meter = Meter(*trees, [], tmp_path / "runs", PairObserver())
    (pair,) = meter.measure(1, "m")
    assert meter.in_turns and pair.ratio == pytest.approx(1.25) and pair.log_ratio is not None
    assert pair.head_seconds == pytest.approx(1.25 * pair.base_seconds)
    # One that does not: both are measured anew, one after the other, and so are all that follow.
    (tmp_path / "base" / "bench.py").write_text(STAND_IN.format(name="base", record=_record(2.0), status=0))
    monkeypatch.setenv("ORDER", str(tmp_path / "order"))
    (pair,) = meter.measure(2, "m")
    assert not meter.in_turns and (pair.base_seconds, pair.log_ratio) == (2.0, None)


def test_pairs_are_added_until_it_is_decided_or_no_more_are_allowed(measure):
    asked = []

    def undecided(pairs):
        asked.append(len(pairs))
        return {"m"} if len(pairs) < 4 else ()

    pairs, _ = measure(_record(), _record(), pairs=2, most=9, undecided=undecided)
    assert len(pairs) == 4 and asked == [2, 3, 4]


def test_no_more_pairs_are_measured_than_are_allowed(measure):
    pairs, _ = measure(_record(), _record(), pairs=2, most=3, undecided=lambda found: {"m"})
    assert len(pairs) == 3


def _pairs(mode, *ratios, **fields):
    figures = {"case": "c", "mode": mode, "base_seconds": 1.0, "emulated": False, **fields}
    return [Pair(number=number, head_seconds=ratio, **figures) for number, ratio in enumerate(ratios, 1)]


def test_only_what_another_pair_may_decide_is_measured_on():
    pairs = [
        *_pairs("equal", 1.0, 1.001, 0.999),
        *_pairs("slower", 1.2, 1.201, 1.199),
        *_pairs("noisy", 1.0, 1.2, 0.9),
        *_pairs("unsteady", 1.0, None, 0.9),
        *_pairs("emulated", 1.0, 1.2, 0.9, emulated=True),
    ]
    assert revisions.undecided_modes(pairs, (), (3, 20)) == {"noisy"}


def test_the_verdict_on_pairs_until_decided_bears_its_looks_and_their_wider_interval():
    pairs = _pairs("m", 1.0, 1.01, 0.99)
    (once,), (often,) = (revisions.judge(pairs, (), {}, looks) for looks in ((3, 3), (3, 20)))
    assert (once.rule.looks, often.rule.looks) == (None, (3, 20))
    assert often.low < once.low < once.high < often.high


def test_a_spent_budget_begins_no_pair_beyond_the_fewest_and_says_so(measure):
    pairs, _ = measure(_record(), _record(), pairs=2, most=9, undecided=lambda found: {"m"}, budget=1e-9)
    assert [pair.number for pair in pairs] == [1, 2]
    assert [ENGLISH.remark(told) for told in measure.stopped] == ["time budget of 1e-09 s spent"]


def test_what_ran_one_after_the_other_is_said_of_each_verdict():
    (verdict,) = revisions.judge(_pairs("m", 1.0, 1.01, 0.99), (), {}, told=(remark("not_in_turns"),))
    assert "one after the other" in ENGLISH.remark(verdict.details[0])


@pytest.mark.parametrize("in_turns", [False, True])
def test_a_tree_that_hangs_ends_the_comparison_in_time(tmp_path, in_turns):
    trees = [Tree(name, tmp_path / name) for name in ("base", "head")]
    for tree in trees:
        tree.path.mkdir()
        (tree.path / "bench.py").write_text("import time; time.sleep(600)")
    meter = Meter(*trees, [], tmp_path / "runs", PairObserver(), in_turns, timeout=0.5)
    with pytest.raises(TreeFailedError, match="base: bench.py took more than 0.5 s; log "):
        meter.measure(1, "m")


def test_an_older_record_is_read_too(measure):
    older = {"suite": "perf", "cases": [CASE], "trials": [{"case": "c", "step_seconds": 2.0}]}
    pairs, _ = measure(older, _record(1.0))
    assert pairs[0].base_seconds == 2.0


def test_steps_that_never_settled_have_no_time(measure):
    unsteady = _record(1.0)
    unsteady["trials"][0]["steady"] = False
    pairs, _ = measure(_record(1.0), unsteady)
    assert [(pair.base_seconds, pair.head_seconds) for pair in pairs] == [(1.0, None)] * 2


def test_a_trial_that_failed_is_told_from_a_record_that_cannot_be_compared(measure):
    with pytest.raises(TreeFailedError):
        measure(_record(), _record(), statuses=(0, 5))


@pytest.mark.parametrize(
    "base, statuses, reason",
    [
        ({"something": "else"}, (0, 0), r"base: its record has another form \(KeyError 'suite'\)"),
        (_record(steps=6), (0, 0), "case c is another one in base: steps differ"),
        (_record(inputs={"width": 64}), (0, 0), "case c is another one in base: inputs differ"),
        (_record(), (5, 0), "base: bench.py ended with status 5 in mode m; log .*log.txt"),
        (_record(), (0, 2), "head: bench.py ended with status 2"),
        (_record(seconds=None), (0, 0), "base: its record has another form"),
    ],
)
def test_what_cannot_be_compared_is_said(measure, base, statuses, reason):
    with pytest.raises(IncomparableError, match=reason):
        measure(base, _record(), statuses=statuses)


@pytest.fixture
def checkout(tmp_path):
    root = tmp_path / "checkout"
    git = ["git", "-c", "user.name=n", "-c", "user.email=e", "-C", str(root)]
    root.mkdir()
    (root / "file").write_text("old")
    for arguments in (["init", "-q"], ["add", "."], ["commit", "-qm", "old"], ["tag", "old"]):
        subprocess.run([*git, *arguments], check=True)
    (root / "file").write_text("new")
    return root


def test_the_base_is_checked_out_beside_the_working_tree_and_removed(checkout):
    with revisions.base_tree("old", checkout) as base:
        assert (base.path / "file").read_text() == "old"
        assert (checkout / "file").read_text() == "new"
    assert not base.path.exists()
    listed = subprocess.run(["git", "-C", str(checkout), "worktree", "list"], capture_output=True, text=True)
    assert len(listed.stdout.splitlines()) == 1


@pytest.mark.parametrize(
    "folder, revision, reason",
    [
        ("checkout", "nowhere", "no such commit in .*checkout .expected a git revision"),
        ("checkout", "--help", "a revision does not begin with - .expected a git revision"),
        (".", "HEAD", "not a git repository"),
    ],
)
def test_a_revision_that_is_none_is_a_usage_error(checkout, tmp_path, folder, revision, reason):
    with pytest.raises(UsageError, match=f"^--against {revision}: {reason}"), revisions.base_tree(
        revision, tmp_path / folder
    ):
        pass


def test_a_comparison_is_json(measure):
    pairs, _ = measure(_record(), _record())
    assert [Pair.model_validate(json.loads(pair.model_dump_json())) for pair in pairs] == pairs


@pytest.mark.parametrize(
    "objection, status, said", [(None, 1, ()), ("no_card", 1, ("no_card",)), ("alarming_card", 4, ())]
)
def test_a_slow_down_blocks_on_any_machine_but_one_that_cries_wolf(objection, status, said):
    pairs = [Pair(case="c", mode="m", number=n, base_seconds=1, head_seconds=2, emulated=False) for n in (1, 2, 3)]
    (verdict,) = revisions.judge(pairs, (), {"c": objection})
    assert (verdict.reason, verdict.advisory) == ("slower", objection == "alarming_card")
    assert exit_status.exit_status([verdict]) == status
    assert tuple(detail.code for detail in verdict.details) == said


def test_an_interrupted_comparison_goes_on_with_the_pair_it_was_at(tmp_path, monkeypatch):
    measured, counts = [], []

    class Counting(PairObserver):
        def measured(self, pairs):
            counts.append(len(pairs))

    class Stub:
        in_turns = True

        def __init__(self, *arguments):
            pass

        def measure(self, number, mode, stop=None):
            if len(measured) == 2:
                measured.append(None)
                raise KeyboardInterrupt
            measured.append(number)
            return [_pairs(mode, 1.0 + number / 1000)[0].model_copy(update={"number": number})]

    suite = SimpleNamespace(name="s", limits=(), cases=())
    head = SimpleNamespace(suite=suite, environment=SimpleNamespace(machine_key="here"))
    monkeypatch.setattr(revisions, "Meter", Stub)
    monkeypatch.setattr(revisions, "_head_run", lambda *_: head)
    cards = SimpleNamespace(current=lambda *_: [])
    plan = revisions.Plan(["force_fp16"], [], (4, 4), budget=None, in_turns=True, timeout=9.0, command=())
    arguments = ("HEAD", plan, tmp_path, cards, Counting())
    comparison, folder = revisions.compare(*arguments)
    assert not comparison.complete and len(comparison.pairs) == 2 and comparison.verdicts == ()
    stored = json.loads((folder / "comparison.json").read_text())
    stored["head"] = "another"
    (folder / "other").mkdir()
    (folder / "other" / "comparison.json").write_text(json.dumps(stored))
    with pytest.raises(UsageError, match="this tree was another, is "):
        revisions.resume(folder / "other", cards, PairObserver())
    comparison, _ = revisions.resume(folder, cards, Counting())
    assert counts == [0, 1, 2, 2, 3, 4]  # what was measured before is told too
    assert comparison.complete and [pair.number for pair in comparison.pairs] == [1, 2, 3, 4] and comparison.verdicts
    with pytest.raises(UsageError, match="it is complete"):
        revisions.resume(folder, cards, PairObserver())
