"""Ratios -> Verdicts: the one rule by which every timing gate says slower, not slower or cannot tell.

Two hypotheses, each with an error rate of its own: "grown by at most the band" is rejected for `slower`, which fails;
"grown by the limit or more" is rejected for a pass. A true change between band and limit may end as either, which is
what lets a handful of pairs decide (Wald's zone of indifference). `faster`, `equal` and `not slower` are words for
where the interval of a pass lies.
"""

from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from harness.gates.sequential import Looks, nominal_level, overall_p
from harness.records import Gate, Limit, Outcome, Pair, Rule, Verdict
from harness.remark import Remark
from harness.statistics import LogRatio, holm, paired_log_ratio

VERSION = 3
"""Version of the procedure; a power card of another version says nothing of this one's error rates."""
CONFIDENCE = 0.95
"""1 - CONFIDENCE is the family-wise error rate of the verdicts."""
LIMITS: Dict[str, float] = {"against": 0.05, "timing": 0.10, "first_step": 0.10, "memory": 0.10}
"""Default limit of relative growth by gate; larger for stored figures, since a machine's state changes over days."""
BAND = 0.4
"""Band as a share of the limit: where 5 % of growth are a regression, 2 % are none."""


class _Words(NamedTuple):
    """Reason codes of a figure that is larger, smaller, and not larger; by default a time's."""

    more: str = "slower"
    less: str = "faster"
    not_more: str = "not_slower"


_MEMORY = _Words("larger", "smaller", "not_larger")


class Question(NamedTuple):
    """A question to be answered by a verdict: has this figure of this case and mode grown?"""

    gate: Gate
    case: str
    mode: str
    rule: Rule
    ratio: LogRatio
    objection: Optional[str] = None
    """Why the answer is only advisory, a key of harness.gates.reasons.REASONS; None when it may gate."""
    details: Tuple[Remark, ...] = ()
    """What is to be said of the objection in particular."""


def rule_of(gate: str, case: str, mode: str, limits: Sequence[Limit] = (), looks: Looks = None) -> Rule:
    """Return the rule for one figure, with the suite's most particular limit that applies, else the gate's default.

    Args:
        looks: fewest and most pairs of a comparison that is judged after each pair in between.
    """
    found = [
        limit for limit in limits if limit.metric == gate and limit.case in (None, case) and limit.mode in (None, mode)
    ]
    particular = max(found, key=lambda limit: (limit.case is not None, limit.mode is not None), default=None)
    several = looks if looks is not None and looks[0] < looks[1] else None
    allowed = particular.relative if particular else LIMITS[gate]
    return Rule(version=VERSION, confidence=CONFIDENCE, band=round(BAND * allowed, 6), limit=allowed, looks=several)


def alpha(rule: Rule) -> float:
    """Return the one-sided error rate of calling one figure slower: half of what the two-sided interval leaves."""
    return (1 - rule.confidence) / 2


def interval(ratio: LogRatio, rule: Rule) -> Tuple[Any, Any]:
    """Return the ratio's interval at the rule's confidence, which with several looks holds over all of them."""
    return ratio.interval(1 - 2 * nominal_level(alpha(rule), rule.looks))


def is_slower(ratio: LogRatio, rule: Rule, rejected: Any = None) -> Any:
    """True where the whole interval is above the band and reaches the limit; arrays give arrays.

    An interval above the band and below the limit is a growth that is real and small enough to pass.

    Args:
        rejected: whether "grown by at most the band" was rejected in the family's test; None: test the ratio alone.
    """
    beyond = overall_p(ratio.p_above(1 + rule.band), rule.looks) <= alpha(rule) if rejected is None else rejected
    return np.logical_and(beyond, np.logical_not(is_not_slower(ratio, rule)))


def is_not_slower(ratio: LogRatio, rule: Rule) -> Any:
    """True where the whole interval is below the limit; arrays give arrays."""
    return interval(ratio, rule)[1] < 1 + rule.limit


def is_faster(ratio: LogRatio, rule: Rule) -> Any:
    """True where the whole interval is below the band, and reaches below the limit; arrays give arrays."""
    low, high = interval(ratio, rule)
    return np.logical_and(high < 1 / (1 + rule.band), low <= 1 / (1 + rule.limit))


def judge_pairs(
    pairs: Sequence[Pair],
    limits: Sequence[Limit] = (),
    objections: Optional[Mapping[str, Optional[str]]] = None,
    looks: Looks = None,
) -> List[Verdict]:
    """Judge each case and mode of two revisions that were measured in turn.

    Args:
        objections: why a case's verdicts are only advisory, by case id; emulated times always are.
        looks: fewest and most pairs of a comparison that is judged after each pair in between; this is one such look.
    """
    groups: Dict[Tuple[str, str], List[Pair]] = {}
    for pair in pairs:
        groups.setdefault((pair.case, pair.mode), []).append(pair)
    verdicts, questions = [], []
    for (case, mode), group in groups.items():
        objection = "emulated" if group[0].emulated else (objections or {}).get(case)
        ratios = [pair.ratio for pair in group]
        if None in ratios:
            verdicts.append(undecided("against", case, mode, "never_steady", objection))
        else:
            rule = rule_of("against", case, mode, limits, looks)
            questions.append(
                Question("against", case, mode, rule, paired_log_ratio(np.ones(len(ratios)), ratios), objection)
            )
    return verdicts + decide(questions)


def undecided(
    gate: Gate, case: str, mode: str, reason: str, objection: Optional[str] = None, outcome: Outcome = "inconclusive"
) -> Verdict:
    """Return the verdict on a figure that cannot be estimated; with an objection it is advisory."""
    return Verdict(
        gate=gate,
        case=case,
        mode=mode,
        outcome=outcome,
        reason=reason,
        advisory=objection is not None,
        advisory_reason=objection,
    )


def decide(questions: Sequence[Question]) -> List[Verdict]:
    """Answer the questions of one suite as one family: the chance of any false "slower" is that of a single test.

    Questions without an objection form the family (Holm 1979); each of the others is tested alone.
    """
    gating = [index for index, question in enumerate(questions) if question.objection is None]
    p_values = [_p_value(questions[index]) for index in gating]
    rejected = dict(zip(gating, holm(p_values, (1 - CONFIDENCE) / 2)))
    return [_answer(question, rejected.get(index)) for index, question in enumerate(questions)]


def wants_another_pair(verdict: Verdict) -> bool:
    """Return True where a further pair may tell more: without an answer, and after an early one that is not sharp.

    Three pairs that lie apart by chance can show that a tree is not slower, when one or two more show that it is equal
    or faster. Every look keeps its error rate, so that going on costs time alone.
    """
    looks = verdict.rule.looks if verdict.rule else None
    if verdict.reason == "not_slower" and looks is not None:
        return (verdict.n or 0) < 2 * looks[0]
    return verdict.reason == "cannot_tell"


def _p_value(question: Question) -> float:
    """Return the p-value of "grown by at most the band", over all looks."""
    return float(overall_p(question.ratio.p_above(1 + question.rule.band), question.rule.looks))


def _answer(question: Question, rejected: Optional[bool]) -> Verdict:
    ratio, rule = question.ratio, question.rule
    low, high = interval(ratio, rule)
    level = nominal_level(alpha(rule), rule.looks)
    outcome, reason = _outcome(question, rejected)
    return Verdict(
        gate=question.gate,
        case=question.case,
        mode=question.mode,
        outcome=outcome,
        reason=reason,
        details=question.details,
        advisory=question.objection is not None,
        advisory_reason=question.objection,
        effect=float(np.expm1(ratio.mean)),
        low=float(low) - 1,
        high=float(high) - 1,
        n=ratio.n,
        detectable=float(ratio.detectable(1 + rule.band, 1 + rule.limit, level)) - 1,
        rule=rule,
    )


def _outcome(question: Question, rejected: Optional[bool]) -> Tuple[Outcome, str]:
    ratio, rule = question.ratio, question.rule
    words = _MEMORY if question.gate == "memory" else _Words()
    if is_slower(ratio, rule, rejected):
        return "fail", words.more
    if not is_not_slower(ratio, rule):
        return "inconclusive", "cannot_tell"
    if is_faster(ratio, rule):
        return "pass", words.less
    within = interval(ratio, rule)[0] > 1 / (1 + rule.limit)
    return "pass", "equal" if within else words.not_more
