"""Power cards: how often a machine's timing gate raises a false alarm, and how often it sees a real delay."""

import statistics
from typing import Any, List, NamedTuple, Optional, Sequence

import numpy as np

from harness.errors import UsageError
from harness.gates.timing_rule import is_slower, judge_pairs, rule_of, wants_another_pair
from harness.machine import environment
from harness.records import Calibration, CalibrationPair, Case, Limit, Pair, PowerCard, Rule
from harness.statistics import geometric_mean, paired_log_ratio
from harness.store.baselines import Baselines

DELAY = 0.05
"""Delay that a calibration injects into a step, relative to its time: the least growth that `--against` must find."""
FEWEST_COMPARISONS = 40
"""Comparisons that a card must have before a gate believes it; in half of them, all processes must have settled."""
MOST_FALSE_ALARMS = 0.05
"""Largest share of false alarms among settled comparisons, as counted: forty are too few to judge by a bound on it."""
MOST_PAIRS = 60
"""Most pairs that needed_pairs tries."""
WANTED_POWER = 0.8
"""Share of comparisons in which the delay is to be found."""
_DRAWS = 10000
"""Comparisons that needed_pairs draws for each number of pairs."""


class NeverSteadyError(ValueError):
    """In no comparison of a calibration did the steps of all processes settle, so that no card can be made."""


class Cards(NamedTuple):
    """The stored power cards, as the gates ask for them."""

    baselines: Baselines

    def find(self, machine_key: str, suite: str, case: Case, disturbed: bool = False) -> Optional[PowerCard]:
        """Return the card of this machine and case, None when there is none; raises UsageError when it is damaged."""
        return self.baselines.load_card(machine_key, suite, case.id, disturbed)

    def objection(
        self, machine_key: str, suite: str, case: Case, limits: Sequence[Limit], disturbed: bool = False
    ) -> Optional[str]:
        """Return why timing gates of this case must not block on this machine, a key of REASONS; None when they may.

        Args:
            disturbed: ask the card that was measured beside a load; gates rest on the other one.
        """
        try:
            card = self.find(machine_key, suite, case, disturbed)
        except UsageError:
            return "bad_card"
        if card is None:
            return "no_card"
        rule = rule_of("against", case.id, card.mode, limits, card.rule.looks)
        if card.case_digest != case.digest() or card.rule != rule:
            return "old_card"
        if card.comparisons < FEWEST_COMPARISONS or card.settled < FEWEST_COMPARISONS / 2:
            return "small_card"
        return "alarming_card" if card.false_alarms > MOST_FALSE_ALARMS * card.settled else None

    def current(self, machine_key: str, suite: str, cases: Sequence[Case], limits: Sequence[Limit]) -> List[PowerCard]:
        """Return the cards that the timing gates of these cases rest on, and their disturbed ones; without, none."""
        found = []
        for case in cases:
            for disturbed in (False, True):
                if self.objection(machine_key, suite, case, limits, disturbed) is None:
                    found.append(self.find(machine_key, suite, case, disturbed))
        return [card for card in found if card]


class _Rate(NamedTuple):
    """How many comparisons had some outcome, and the exact 95 % interval of their share (Clopper and Pearson 1934)."""

    found: int
    low: float
    """Lower end of the share's interval."""
    high: float
    """Upper end of the share's interval."""

    @classmethod
    def of(cls, outcomes: Sequence[str], *reasons: str) -> "_Rate":
        """Count the outcomes that are one of the reasons."""
        from scipy import stats

        found = sum(outcome in reasons for outcome in outcomes)
        low, high = stats.binomtest(found, len(outcomes)).proportion_ci()
        return cls(found, float(low), float(high))


def is_decided(calibration: Calibration, pairs: Sequence[CalibrationPair], limits: Sequence[Limit] = ()) -> bool:
    """True when a comparison needs no further pair: both with and without the delay, or the most pairs are there."""
    if len(pairs) >= calibration.looks[1]:
        return True
    return all(_judge(calibration, pairs, limits, delayed).is_final for delayed in (False, True))


class _Answer(NamedTuple):
    """What `--against` would end with."""

    reason: str
    """The verdict's reason code."""
    pairs: int
    """How many pairs it would take."""
    is_final: bool
    """False where it would take another pair, and there is none."""


def _judge(
    calibration: Calibration, pairs: Sequence[CalibrationPair], limits: Sequence[Limit], delayed: bool
) -> _Answer:
    case, mode, fewest = calibration.case.id, calibration.mode.name, calibration.looks[0]
    answer = _Answer("cannot_tell", len(pairs), False)
    for count in range(fewest, len(pairs) + 1):
        seen = [_pair(pair, case, mode, delayed) for pair in pairs[:count]]
        (verdict,) = judge_pairs(seen, limits, looks=calibration.looks)
        answer = _Answer(verdict.reason, count, not wants_another_pair(verdict))
        if answer.is_final:
            break
    return answer


def make_card(
    calibration: Calibration, comparisons: Sequence[Sequence[CalibrationPair]], limits: Sequence[Limit] = ()
) -> PowerCard:
    """Judge the pairs as `--against` would, one comparison after the other, as they are and with the delay.

    Raises:
        NeverSteadyError: in no comparison were all steps steady.
    """
    case, mode = calibration.case, calibration.mode.name
    rule = rule_of("against", case.id, mode, limits, calibration.looks)
    pairs = [pair for group in comparisons for pair in group]
    steady = [pair for pair in pairs if None not in (pair.base_seconds, pair.head_seconds, pair.delayed_seconds)]
    settled = [group for group in comparisons if all(pair in steady for pair in group)]
    if not settled:
        raise NeverSteadyError(
            f"calibration {calibration.id}: the steps of {len(pairs) - len(steady)} of {len(pairs)} pairs never"
            " settled, some in every comparison (quieten the machine and calibrate anew)"
        )
    plain = [_judge(calibration, group, limits, delayed=False) for group in settled]
    delayed = [_judge(calibration, group, limits, delayed=True) for group in settled]
    alarms = _Rate.of([answer.reason for answer in plain], "slower", "faster")
    equals = _Rate.of([answer.reason for answer in plain], "equal")
    no_answers = _Rate.of([answer.reason for answer in plain], "cannot_tell")
    detections = _Rate.of([answer.reason for answer in delayed], "slower")
    taken = [sum(pair.wall_seconds for pair in group[: answer.pairs]) for group, answer in zip(settled, plain)]
    return PowerCard(
        machine_key=calibration.environment.machine_key,
        suite=calibration.suite,
        case=case.id,
        case_digest=case.digest(),
        mode=mode,
        device=calibration.device,
        rule=rule,
        disturbed=calibration.disturbed,
        pairs=calibration.looks[1],
        comparisons=len(comparisons),
        undecided=len(comparisons) - len(settled),
        false_alarms=alarms.found,
        false_alarm_low=alarms.low,
        false_alarm_high=alarms.high,
        equals=equals.found,
        no_answers=no_answers.found,
        no_answer_low=no_answers.low,
        no_answer_high=no_answers.high,
        median_pairs=statistics.median(answer.pairs for answer in plain),
        median_seconds=statistics.median(taken),
        delay=DELAY,
        detections=detections.found,
        detection_low=detections.low,
        detection_high=detections.high,
        spread=float(np.std(_log_ratios(steady, delayed=False), ddof=1)),
        step_seconds=geometric_mean([pair.base_seconds for pair in steady if pair.base_seconds is not None]),
        needed_pairs=needed_pairs(_log_ratios(steady, delayed=True), rule.model_copy(update={"looks": None})),
        run=calibration.id,
        revision=calibration.environment.revision,
        packages=calibration.environment.packages,
        date=environment.now(),
    )


def needed_pairs(delayed: Any, rule: Rule) -> Optional[int]:
    """Return the fewest pairs that find the delay as often as WANTED_POWER; None when MOST_PAIRS do not.

    Comparisons are drawn, seeded, with replacement from the measured log ratios, which keeps the shape of their spread.

    Args:
        delayed: log ratios of the pairs with the delay, of shape (pairs,).
    """
    generator = np.random.RandomState(0)
    for pairs in range(2, MOST_PAIRS + 1):
        drawn = np.exp(generator.choice(delayed, (_DRAWS, pairs)))
        if np.mean(is_slower(paired_log_ratio(np.ones_like(drawn), drawn), rule)) >= WANTED_POWER:
            return pairs
    return None


def _log_ratios(pairs: Sequence[CalibrationPair], delayed: bool) -> np.ndarray:
    ratios = [_pair(pair, "", "", delayed).ratio for pair in pairs]
    return np.log([ratio for ratio in ratios if ratio is not None])


def _pair(pair: CalibrationPair, case: str, mode: str, delayed: bool) -> Pair:
    """Return the pair as `--against` would have measured it, with head as it is or slowed down."""
    return Pair(
        case=case,
        mode=mode,
        number=pair.number,
        base_seconds=pair.base_seconds,
        head_seconds=pair.delayed_seconds if delayed else pair.head_seconds,
        log_ratio=pair.delayed_log_ratio if delayed else pair.log_ratio,
        emulated=False,
    )
