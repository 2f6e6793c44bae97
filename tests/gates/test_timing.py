import pytest

from harness.gates import approval, exit_status
from harness.gates.timing import judge_timings, timing_of, unconfirmed
from harness.records import Limit, Scheduling
from reports.language import ENGLISH
from tests.builders import SLOWER, STEADY, card_of, planned, result, stepping


@pytest.fixture
def approved(baselines, suite):
    """Baselines that hold the plan, the steady timing and a good power card."""
    _approve(stepping(suite, *STEADY), baselines)
    baselines.save_card(card_of(suite))
    return baselines


def _approve(run, baselines, **fields):
    run = planned(run).model_copy(update=fields)
    return approval.approve(approval.propose(run, baselines, "because"), baselines)


def _step(run, baselines):
    (verdict,) = [verdict for verdict in judge_timings(run, baselines) if verdict.gate == "timing"]
    return verdict


def _confirming(run, seconds, **fields):
    case, mode = run.suite.cases[0].id, run.suite.modes[0].name
    again = [result(case, mode, number, step, confirmation=True, **fields) for number, step in enumerate(seconds, 1)]
    return run.model_copy(update={"trials": [*run.trials, *again]})


def test_what_takes_as_long_as_stored_passes_with_its_figures(approved, suite):
    verdicts = judge_timings(stepping(suite, *STEADY[::-1]), approved)
    assert [(verdict.gate, verdict.outcome, verdict.reason) for verdict in verdicts] == [
        (name, "pass", "equal") for name in ("timing", "first_step", "memory")
    ]
    for verdict in verdicts:
        assert not verdict.advisory and verdict.n == 5 and verdict.rule.limit == 0.10
        assert verdict.low <= verdict.effect <= verdict.high and verdict.detectable > 0.02


def test_what_is_slower_fails_only_when_it_is_slower_again(approved, suite):
    run = stepping(suite, *SLOWER)
    verdict = _step(run, approved)
    assert (verdict.outcome, verdict.reason, verdict.advisory) == ("inconclusive", "unconfirmed", False)
    assert unconfirmed([verdict]) == [("small", "must_keep_origin_dtype")]

    verdict = _step(_confirming(run, SLOWER), approved)
    assert (verdict.outcome, verdict.reason) == ("fail", "slower")
    assert verdict.effect == pytest.approx(0.15, abs=0.01) and verdict.confirmation == pytest.approx(verdict.effect)

    verdict = _step(_confirming(run, STEADY), approved)
    assert (verdict.outcome, verdict.reason) == ("inconclusive", "not_confirmed")
    assert unconfirmed([verdict]) == []


def test_memory_and_first_step_gate_likewise(approved, suite):
    run = stepping(suite, *STEADY, peak_memory_bytes=2 * 10**9, first_step_seconds=3.0)
    again = _confirming(run, STEADY, peak_memory_bytes=2 * 10**9, first_step_seconds=3.0)
    found = {verdict.gate: (verdict.outcome, verdict.reason) for verdict in judge_timings(again, approved)}
    assert found == {"timing": ("pass", "equal"), "first_step": ("fail", "slower"), "memory": ("fail", "larger")}


def test_what_got_faster_never_fails(approved, suite):
    verdict = _step(stepping(suite, *(seconds / 2 for seconds in STEADY)), approved)
    assert (verdict.outcome, verdict.reason) == ("pass", "faster")


def test_a_limit_of_the_suite_takes_the_place_of_the_default(approved, suite):
    wide = Limit(metric="timing", relative=0.2, reason="shared runner")
    for limits, reason in (((wide,), "equal"), ((wide.model_copy(update={"case": "another"}),), "unconfirmed")):
        limited = suite.model_copy(update={"limits": limits})
        assert _step(stepping(limited, *SLOWER), approved).reason == reason


@pytest.mark.parametrize("seconds, reason", [((0.8, 1.4, 0.9, 1.3, 1.2), "cannot_tell"), ((1.0,), "too_few")])
def test_noise_and_single_processes_are_inconclusive(approved, suite, seconds, reason):
    verdict = _step(stepping(suite, *seconds), approved)
    assert (verdict.outcome, verdict.reason) == ("inconclusive", reason)


def test_steps_that_never_settled_are_inconclusive(approved, suite):
    run = stepping(suite, *STEADY)
    trials = [run.trials[0].model_copy(update={"steady": False}), *run.trials[1:]]
    verdict = _step(run.model_copy(update={"trials": trials}), approved)
    assert (verdict.outcome, verdict.reason, verdict.advisory) == ("inconclusive", "never_steady", False)


def test_without_a_stored_timing_nothing_passes_and_nothing_fails(baselines, suite):
    verdict = _step(stepping(suite, *STEADY), baselines)
    assert (verdict.outcome, verdict.reason, verdict.advisory) == ("missing", "no_timing", True)


def test_emulated_times_are_neither_approved_nor_judged(baselines, suite):
    (path,) = _approve(stepping(suite, *STEADY, emulated=True), baselines)
    assert "ascend910" in path  # the plan
    assert judge_timings(stepping(suite, *SLOWER, emulated=True), baselines) == []


def test_the_spread_that_decided_how_many_processes_there_are_decides_the_interval(baselines, suite):
    """The later processes look quieter than the first ones, and are no reason to believe in a narrower spread."""
    adaptive = {"replicates": 2, "max_replicates": 10}
    seconds = (1.0, 1.1, 1.05, 1.05, 1.05, 1.05)
    run = stepping(suite, *seconds)
    run = run.model_copy(update={"suite": run.suite.model_copy(update=adaptive)})
    assert timing_of(run, run.suite.cases[0].id, run.suite.modes[0].name).first_stage == 2
    baselines.save_card(card_of(suite))
    _approve(stepping(suite, *STEADY), baselines)
    fixed = stepping(suite, *seconds)
    assert _step(run, baselines).high > _step(fixed, baselines).high + 0.05


def _elsewhere(run, **conditions):
    equal = {**run.environment.conditions, **conditions}
    environment = run.environment.model_copy(update={"machine_key": "there", "conditions": equal})
    return run.model_copy(update={"environment": environment})


def test_times_of_another_machine_never_gate_and_what_is_unlike_is_named(approved, suite):
    run = stepping(suite, *SLOWER)
    threads = run.environment.conditions["threads"]
    verdict = _step(_elsewhere(run, threads="99"), approved)
    assert (verdict.outcome, verdict.reason, verdict.advisory) == ("missing", "no_timing", True)
    assert [ENGLISH.remark(detail) for detail in verdict.details] == [f"threads: {threads} there, 99 here"]


def test_approving_on_one_machine_leaves_the_gate_of_another(approved, suite):
    laptop = _elsewhere(stepping(suite, *(3 * seconds for seconds in STEADY)))
    paths = _approve(laptop, approved)
    assert [path.split("/")[-1] for path in paths] == ["cpu-there-must_keep_origin_dtype.json"]
    assert _step(stepping(suite, *SLOWER), approved).reason == "unconfirmed"
    assert _step(laptop, approved).reason == "equal"


@pytest.mark.parametrize(
    "changes, objection",
    [
        ({"case_digest": "0" * 64}, "old_card"),
        ({"comparisons": 39}, "small_card"),
        ({"undecided": 21}, "small_card"),
        ({"undecided": 20}, None),
        ({"undecided": 20, "false_alarms": 2}, "alarming_card"),
        ({"false_alarms": 3}, "alarming_card"),
        ({"false_alarms": 2}, None),
    ],
)
def test_times_gate_only_with_a_current_and_good_power_card(approved, suite, changes, objection):
    approved.save_card(card_of(suite, **changes))
    verdicts = {verdict.gate: verdict for verdict in judge_timings(stepping(suite, *STEADY), approved)}
    assert verdicts["timing"].advisory_reason == verdicts["first_step"].advisory_reason == objection
    assert verdicts["memory"].advisory_reason is None  # memory is no matter of the clock


def test_without_a_power_card_or_with_a_damaged_one_times_do_not_gate(approved, suite):
    path = approved.card_path("here", suite.name, suite.cases[0].id)
    whole = path.read_bytes().rstrip()
    for end in range(0, len(whole), len(whole) // 20):
        path.write_bytes(whole[:end])
        assert _step(stepping(suite, *STEADY), approved).advisory_reason == "bad_card", end
    path.unlink()
    assert _step(stepping(suite, *STEADY), approved).advisory_reason == "no_card"


def test_a_stored_timing_cut_at_any_byte_is_never_a_pass(approved, suite):
    run = stepping(suite, *STEADY)
    path = approved.path(suite.name, suite.cases[0].id, suite.modes[0].name, "cpu", "here")
    whole = path.read_bytes().rstrip()
    for end in range(len(whole)):
        path.write_bytes(whole[:end])
        (verdict,) = judge_timings(run, approved)
        assert (verdict.outcome, verdict.reason, verdict.advisory) == ("missing", "bad_baseline", False), end
        assert [detail.code for detail in verdict.details] == ["text"] and "\n" not in verdict.details[0].values["text"]


def test_a_timing_of_another_case_is_incomparable(approved, suite):
    (case,) = suite.cases
    longer = suite.model_copy(update={"cases": (case.model_copy(update={"steps": 99}),)})
    (verdict,) = judge_timings(stepping(longer, *STEADY), approved)
    assert (verdict.outcome, verdict.reason, verdict.advisory) == ("missing", "other_case", False)
    assert exit_status.exit_status([verdict]) == 4


def test_a_disturbed_process_is_no_regression(approved, suite):
    half = Scheduling(seconds=1.0, cpu_seconds=1.0, waiting_seconds=1.0, others_seconds=1.0)
    run = stepping(suite, *STEADY[:4], 9.0)
    assert _step(run, approved).reason != "equal"
    last = run.trials[-1].model_copy(update={"scheduling": half})
    verdict = _step(run.model_copy(update={"trials": [*run.trials[:-1], last]}), approved)
    assert (verdict.outcome, verdict.reason, verdict.n) == ("pass", "equal", 4)
    (told,) = map(ENGLISH.remark, verdict.details)
    assert told == "1 of 5 processes lost up to 50% of their time to others: left out of the step time"
