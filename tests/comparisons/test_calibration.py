import json
import sys

import numpy as np
import psutil
import pytest

from harness.commands.calibrate import calibrate
from harness.comparisons import calibration
from harness.errors import UsageError
from harness.gates.power_card import DELAY, FEWEST_COMPARISONS, Cards, NeverSteadyError, make_card, needed_pairs
from harness.gates.timing_rule import rule_of
from harness.records import CalibrationPair
from harness.runs.observer import CalibrationObserver
from harness.store.baselines import Baselines
from harness.trial import supervisor
from tests.trial.processes import FINISHED, SAMPLE

STEPS = f"""
import json, sys
from harness.step.turns import PAIRED_STEPS, WARM_UP_STEPS, Turns
trial = json.loads(sys.stdin.read())
pipe = open(int(sys.argv[1]), "w", buffering=1, closefd=False)
def say(phase, seconds):
    turns.wait()
    delayed = seconds * (1 + trial["delay"]) if trial["delay"] else None
    sample = {{**json.loads({SAMPLE!r}), "phase": phase, "seconds": seconds, "delayed_seconds": delayed}}
    print(json.dumps(sample), file=pipe)
with Turns(trial["turns"]) as turns:
    say("first", 2.0)
    for _ in range(WARM_UP_STEPS + PAIRED_STEPS - 1):
        say("step", 0.5)
print({FINISHED!r}, file=pipe)
"""


@pytest.fixture
def workers(monkeypatch):
    """Makes workers run this program."""

    def use(program=STEPS):
        monkeypatch.setattr(supervisor, "WORKER", (sys.executable, "-c", program))

    monkeypatch.delenv("CI", raising=False)
    use()
    return use


class Listener(CalibrationObserver):
    """Notes the order of the processes, and interrupts before one of them."""

    def __init__(self, stop_before=None):
        self.order, self.stop_before = [], stop_before
        self.told = []

    def trial_started(self, trial, number, planned):
        if trial.id == self.stop_before:
            raise KeyboardInterrupt
        self.order.append(trial.id)

    def pair_measured(self, pair):
        self.told.append((pair.comparison, pair.number))

    def counted(self, pairs, decided, of_decided):
        self.told.append((pairs, decided, of_decided))


def _begin(suite, tmp_path, comparisons=2, looks=(3, 3), disturbed=False):
    return calibration.begin(suite, "cpu", comparisons, looks, disturbed, tmp_path / "results", "")


def _measure(plan, folder, observer):
    return [pair for group in calibration.measure(plan, (), folder, "", observer) for pair in group]


def test_the_order_is_the_gates_and_each_pair_serves_twice(workers, suite, tmp_path):
    folder, plan = _begin(suite, tmp_path)
    listener = Listener()
    pairs = _measure(plan, folder, listener)
    names = [f"{pair.comparison}.{pair.number}" for pair in pairs]
    assert names == ["1.1", "1.2", "1.3", "2.1", "2.2", "2.3"]
    assert sorted(listener.order) == sorted(f"{name}.{side}" for name in names for side in ("base", "head"))
    assert {(pair.base_seconds, pair.head_seconds) for pair in pairs} == {(0.5, 0.5)}
    assert pairs[0].delayed_seconds == pytest.approx(0.5 * (1 + DELAY))
    ratios = {(pair.log_ratio, round(pair.delayed_log_ratio, 9)) for pair in pairs}
    assert ratios == {(0.0, round(np.log(1 + DELAY), 9))} and all(pair.wall_seconds > 0 for pair in pairs)


def test_pairs_are_added_until_both_sides_of_a_comparison_are_decided(workers, suite, tmp_path):
    folder, plan = _begin(suite, tmp_path, looks=(2, 5))
    # Times without any spread are decided at the first look.
    assert [pair.number for pair in _measure(plan, folder, CalibrationObserver())] == [1, 2, 1, 2]


def test_an_interrupted_calibration_goes_on_with_the_pair_it_was_at(workers, suite, tmp_path):
    folder, plan = _begin(suite, tmp_path)
    assert len(_measure(plan, folder, Listener(stop_before="1.2.head"))) == 1
    assert folder.load_calibration() == plan
    listener = Listener()
    assert len(_measure(plan, folder, listener)) == 6
    counts = [count for count in listener.told if len(count) == 3]
    assert counts == [(1, 0, 0), (2, 0, 0), (3, 1, 3), (4, 1, 3), (5, 1, 3), (6, 2, 6)]
    assert [pair for pair in listener.told if len(pair) == 2] == [(1, 2), (1, 3), (2, 1), (2, 2), (2, 3)]
    assert set(listener.order[:2]) == {"1.2.base", "1.2.head"}  # both halves of a pair, anew


def test_a_process_that_failed_ends_it_and_keeps_the_pairs(workers, suite, tmp_path):
    folder, plan = _begin(suite, tmp_path)
    _measure(plan, folder, Listener(stop_before="1.2.base"))
    workers("import sys; sys.exit(7)")
    with pytest.raises(calibration.TrialFailedError, match=r"1.2.(base|head): crashed: .*exit status 7"):
        _measure(plan, folder, CalibrationObserver())
    assert len(folder.recover_journal(plan.id, CalibrationPair)) == 1


def test_a_disturbed_calibration_has_its_load_beside_it_and_ends_it(workers, suite, tmp_path):
    folder, plan = _begin(suite, tmp_path, comparisons=1, disturbed=True)
    loads = []

    class Looking(CalibrationObserver):
        def trial_started(self, trial, number, planned):
            loads.append([child for child in psutil.Process().children() if "disturbance" in " ".join(child.cmdline())])

    _measure(plan, folder, Looking())
    assert all(len(found) == 1 for found in loads) and not loads[0][0].is_running()


def test_a_calibration_of_another_environment_is_refused(workers, suite, tmp_path):
    folder, plan = _begin(suite, tmp_path)
    path = folder.path / "calibration.json"
    document = json.loads(path.read_text())
    document["environment"]["python"] = "2.7.18"
    path.write_text(json.dumps(document))
    with pytest.raises(UsageError, match="the environment has changed: python was 2.7.18"):
        _measure(folder.load_calibration(), folder, CalibrationObserver())


def _pairs(ratios, delay=1.1):
    return [
        CalibrationPair(
            comparison=1,
            number=number,
            wall_seconds=10.0,
            base_seconds=1.0,
            head_seconds=ratio,
            delayed_seconds=delay * ratio,
        )
        for number, ratio in enumerate(ratios, 1)
    ]


QUIET, SLOW, WILD = [1.0, 1.01, 0.99], [1.2, 1.21, 1.19], [0.7, 1.3, 1.0]


def test_the_card_counts_alarms_missing_answers_and_detections_of_what_settled(workers, suite, tmp_path):
    _, plan = _begin(suite, tmp_path, comparisons=4)
    groups = [_pairs(ratios) for ratios in (QUIET, SLOW, WILD, QUIET)]
    groups[-1][-1] = groups[-1][-1].model_copy(update={"head_seconds": None})
    card = make_card(plan, groups)
    assert (card.comparisons, card.pairs, card.false_alarms, card.detections, card.undecided) == (4, 3, 1, 2, 1)
    assert (card.settled, card.no_answers, card.median_pairs, card.median_seconds) == (3, 1, 3, 30)
    # Clopper and Pearson's interval of one in three, and of the two others.
    third = (pytest.approx(1 - 0.975 ** (1 / 3)), pytest.approx(0.9057, abs=1e-4))
    assert (card.false_alarm_low, card.false_alarm_high) == (card.no_answer_low, card.no_answer_high) == third
    assert (card.detection_low, card.detection_high) == (
        pytest.approx(1 - third[1].expected, abs=1e-4),
        pytest.approx(1 - third[0].expected),
    )
    assert card.case_digest == suite.cases[0].digest() and card.step_seconds == 1.0
    baselines = Baselines(tmp_path / "baselines")
    baselines.save_card(card)
    stored = Cards(baselines).find(card.machine_key, suite.name, suite.cases[0])
    assert stored == card.model_copy(update={"checksum": stored.checksum})


def test_a_comparison_counts_as_it_stood_when_it_was_decided(workers, suite, tmp_path):
    """Pairs that were added for the delayed side alone say nothing of the other."""
    _, plan = _begin(suite, tmp_path, comparisons=1, looks=(3, 20))
    late = [1.0, 1.001, 0.999, *([1.5] * 5)]
    card = make_card(plan, [_pairs(late, delay=1.0)])
    assert (card.false_alarms, card.no_answers, card.median_pairs, card.median_seconds) == (0, 0, 3, 30)


def test_calm_and_disturbed_have_a_card_each(workers, suite, tmp_path):
    baselines = Baselines(tmp_path / "baselines")
    for disturbed in (False, True):
        _, plan = _begin(suite, tmp_path, comparisons=1, disturbed=disturbed)
        card = make_card(plan, [_pairs(QUIET)])
        baselines.save_card(card)
    found = [Cards(baselines).find(card.machine_key, suite.name, suite.cases[0], disturbed) for disturbed in (0, 1)]
    assert [card.disturbed for card in found] == [False, True]


def test_a_machine_on_which_nothing_settles_has_no_card(workers, suite, tmp_path):
    _, plan = _begin(suite, tmp_path)
    groups = [[pair.model_copy(update={"head_seconds": None}) for pair in _pairs(QUIET)] for _ in range(2)]
    with pytest.raises(NeverSteadyError, match="the steps of 6 of 6 pairs never settled"):
        make_card(plan, groups)


def test_no_card_is_measured_that_no_gate_would_believe():
    (option,) = [option for option in calibrate.params if option.name == "comparisons"]
    assert option.type.min == FEWEST_COMPARISONS <= option.default


@pytest.mark.parametrize("spread, fewest, most", [(0.001, 2, 2), (0.042, 5, 5), (0.1, 13, 18), (1.0, None, None)])
def test_the_noisier_the_machine_the_more_pairs_it_takes(spread, fewest, most):
    # At 4.2 %, two processes of 3 % each: the noncentral t has 84 % for five pairs and 71 % for four.
    delayed = np.log(1.1) + np.random.RandomState(0).normal(0, spread, 400)
    found = needed_pairs(delayed, rule_of("against", "c", "m"))
    assert found is None if fewest is None else fewest <= found <= most
