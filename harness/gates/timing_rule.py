"""Ratios -> Verdicts: the one rule by which every timing gate says slower, faster, equal or cannot tell."""

from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from harness.records import Limit, Pair, Rule, Verdict
from harness.statistics import LogRatio, holm, paired_log_ratio

CONFIDENCE = 0.95
"""1 - CONFIDENCE is the family-wise error rate of the verdicts."""
BAND = 0.02
LIMITS: Dict[str, float] = {"against": 0.05, "timing": 0.10, "first_step": 0.10, "memory": 0.10}
"""By gate. Stored figures get more room than two revisions of one session, for a machine's state changes over days."""
_WORDS = {"memory": ("larger", "smaller")}


class Question(NamedTuple):
    """Has this figure of this case and mode grown?"""

    gate: str
    case: str
    mode: str
    rule: Rule
    ratio: LogRatio
    objection: Optional[str] = None
    """Why the answer cannot gate: a key of harness.gates.reasons.REASONS."""


def rule_of(gate: str, case: str, mode: str, limits: Sequence[Limit] = ()) -> Rule:
    """The rule for one figure: the suite's most particular limit that applies, else the default."""
    found = [
        limit for limit in limits if limit.metric == gate and limit.case in (None, case) and limit.mode in (None, mode)
    ]
    particular = max(found, key=lambda limit: (limit.case is not None, limit.mode is not None), default=None)
    return Rule(confidence=CONFIDENCE, band=BAND, limit=particular.relative if particular else LIMITS[gate])


def alpha(rule: Rule) -> float:
    """Error rate of calling one figure slower: one-sided, so half of what the two-sided interval leaves."""
    return (1 - rule.confidence) / 2


def is_slower(ratio: LogRatio, rule: Rule, rejected: Any = None) -> Any:
    """True where the ratio is above the band, and its estimate at the limit; arrays give arrays.

    Args:
        rejected: whether "at most the band" was rejected together with the family's; by itself when None.
    """
    beyond = ratio.p_above(1 + rule.band) <= alpha(rule) if rejected is None else rejected
    return np.logical_and(beyond, ratio.mean >= np.log1p(rule.limit))


def is_faster(ratio: LogRatio, rule: Rule) -> Any:
    """True where the whole interval is below the band, and the estimate at the limit; arrays give arrays."""
    return np.logical_and(ratio.interval(rule.confidence)[1] < 1 / (1 + rule.band), ratio.mean <= -np.log1p(rule.limit))


def judge_pairs(
    pairs: Sequence[Pair], limits: Sequence[Limit] = (), objections: Optional[Mapping[str, Optional[str]]] = None
) -> List[Verdict]:
    """Judge each case and mode of two revisions that were measured in turn.

    Args:
        objections: by case, why its verdicts cannot gate. Emulated times never can, for they are not the card's.
    """
    groups: Dict[Tuple[str, str], List[Pair]] = {}
    for pair in pairs:
        groups.setdefault((pair.case, pair.mode), []).append(pair)
    verdicts, questions = [], []
    for (case, mode), group in groups.items():
        objection = "emulated" if group[0].emulated else (objections or {}).get(case)
        base, head = [pair.base_seconds for pair in group], [pair.head_seconds for pair in group]
        if None in base + head:
            verdicts.append(undecided("against", case, mode, "never_steady", objection))
        else:
            rule = rule_of("against", case, mode, limits)
            questions.append(Question("against", case, mode, rule, paired_log_ratio(base, head), objection))
    return verdicts + decide(questions)


def undecided(
    gate: str, case: str, mode: str, reason: str, objection: Optional[str] = None, outcome: str = "inconclusive"
) -> Verdict:
    """The verdict on a figure of which nothing can be estimated."""
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
    """Answer the questions of one suite, which are one family: the chance of any false "slower" is that of one.

    Only what can gate is in the family (Holm); the rest is answered by itself.
    """
    gating = [index for index, question in enumerate(questions) if question.objection is None]
    p_values = [float(questions[index].ratio.p_above(1 + questions[index].rule.band)) for index in gating]
    rejected = dict(zip(gating, holm(p_values, (1 - CONFIDENCE) / 2)))
    return [_answer(question, rejected.get(index)) for index, question in enumerate(questions)]


def _answer(question: Question, rejected: Optional[bool]) -> Verdict:
    ratio, rule = question.ratio, question.rule
    low, high = ratio.interval(rule.confidence)
    outcome, reason = _outcome(question, rejected)
    return Verdict(
        gate=question.gate,
        case=question.case,
        mode=question.mode,
        outcome=outcome,
        reason=reason,
        advisory=question.objection is not None,
        advisory_reason=question.objection,
        effect=float(np.expm1(ratio.mean)),
        low=float(low) - 1,
        high=float(high) - 1,
        n=ratio.n,
        detectable=float(ratio.detectable(1 + rule.band, 1 + rule.limit, alpha(rule))) - 1,
        rule=rule,
    )


def _outcome(question: Question, rejected: Optional[bool]) -> Tuple[str, str]:
    ratio, rule = question.ratio, question.rule
    more, less = _WORDS.get(question.gate, ("slower", "faster"))
    if is_slower(ratio, rule, rejected):
        return "fail", more
    if is_faster(ratio, rule):
        return "pass", less
    low, high = ratio.interval(rule.confidence)
    if low > 1 / (1 + rule.limit) and high < 1 + rule.limit:
        return "pass", "equal"
    return "inconclusive", "cannot_tell"
