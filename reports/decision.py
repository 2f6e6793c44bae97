"""The answer first: of each mode whether its picture is right and why not, and what the card makes of its step."""

from typing import Callable, Dict, List, NamedTuple, Optional, Sequence, Tuple

from harness.records import Case, ModeFidelity, Run, Summary
from harness.records.fidelity import Fitness
from harness.remark import Remark, remark
from reports.figures import NOT_MEASURED, is_far
from reports.language import Words

_WORDS: Dict[str, str] = {"fit": "yes", "wrong": "no", "not_judged": "not judged"}
_ALARMS, _BOUNDS = ("saturates", "makes_nan"), ("below_limit", "above_limit")
"""Codes of remarks: what float16 lost, and what of the picture is beyond its limit."""


class Decision(NamedTuple):
    """What is to be known of one case in one mode before it is used. What was not measured is None."""

    case: str
    mode: str
    fitness: Fitness
    """`wrong` also where pictures were not judged but the true loss is far from the reference mode's."""
    why: Tuple[Remark, ...]
    floor_seconds: Optional[float]
    """Least time of a step on a 910, from the plan."""
    casts: Optional[int]
    refused: Optional[int]
    """Number of ops that the card's compiler would refuse."""
    step_seconds: Optional[float]
    """Measured step time; None for an emulated one, which is no time of any machine."""


class DecisionColumn(NamedTuple):
    """A column of the decision table, after the mode's or the case's."""

    heading: str
    explanation: str
    text: Callable[[Decision, Words], str]
    number: bool = True
    """Whether it holds numbers, which stand at the right."""
    rank: int = 0
    """Where there is no room, the column of the highest rank gives way first; those of rank 0 stay."""


def _why(decision: Decision, words: Words) -> str:
    return words.semicolon.join(map(words.remark, decision.why))


def _milliseconds(decision: Decision, words: Words) -> str:
    return NOT_MEASURED if decision.floor_seconds is None else f"{decision.floor_seconds * 1e3:.3f}"


def _casts(decision: Decision, words: Words) -> str:
    return NOT_MEASURED if decision.casts is None else str(decision.casts)


def _compiles(decision: Decision, words: Words) -> str:
    if decision.refused is None:
        return NOT_MEASURED
    return words("no: {count} ops", count=decision.refused) if decision.refused else words("yes")


def _seconds(decision: Decision, words: Words) -> str:
    return NOT_MEASURED if decision.step_seconds is None else f"{decision.step_seconds:.3f}"


_SECONDS = DecisionColumn("step s", "measured on this device; an emulated time is none", _seconds, rank=3)
_COLUMNS = (
    DecisionColumn("right?", "is its picture right", lambda found, words: words(_WORDS[found.fitness]), False),
    DecisionColumn("why", "", _why, False),
    DecisionColumn("910 floor ms", "least time of a step on the card, from the plan", _milliseconds),
    DecisionColumn("casts", "casts that the card's compiler adds to a step", _casts, rank=2),
    DecisionColumn("compiles", "whether the card's compiler takes every op", _compiles, False, rank=1),
    _SECONDS,
)


class DecisionTable(NamedTuple):
    """Decisions on one case in every mode, or on every case in the only mode."""

    case: Optional[Case]
    """The case of all rows; None where each row is another's."""
    first: str
    """The field of a decision that tells the rows apart, `mode` or `case`; also the heading of its column."""
    columns: List[DecisionColumn]
    rows: List[Decision]

    def name(self, row: Decision) -> str:
        """Return what stands in a row's first column."""
        return row.case if self.case is None else row.mode


def tables(run: Run, words: Words) -> List[DecisionTable]:
    """Return the decision tables; those that would say nothing are left out."""
    found = decisions(run)
    if len(run.suite.modes) == 1 and len(run.suite.cases) > 1:
        made = [DecisionTable(None, "case", _columns(found, words), found)]
    else:
        of_cases = [(case, [one for one in found if one.case == case.id]) for case in run.suite.cases]
        made = [DecisionTable(case, "mode", _columns(rows, words), rows) for case, rows in of_cases]
    return [table for table in made if table.columns]


def decisions(run: Run) -> List[Decision]:
    """Return the decision on every case in every mode, in the suite's order."""
    return [_decision(run, case.id, mode.name) for case, mode in run.pairs]


def _columns(found: Sequence[Decision], words: Words) -> List[DecisionColumn]:
    """Return the columns that say anything of these decisions; none where the step time is all that is known."""
    judged = any(decision.fitness != "not_judged" or decision.why for decision in found)
    shown = _COLUMNS if judged else _COLUMNS[1:]
    told = [
        column for column in shown if any(column.text(decision, words) not in ("", NOT_MEASURED) for decision in found)
    ]
    return told if any(column is not _SECONDS for column in told) else []


def explanations(found: Sequence[DecisionTable], words: Words) -> str:
    """Return what the columns of the tables hold, in one line."""
    shown = [column for column in _COLUMNS if any(column in table.columns for table in found)]
    told = [words(column.heading) + words.colon + words(column.explanation) for column in shown if column.explanation]
    return words.sentence([*told, NOT_MEASURED + words.colon + words("not measured")])


def _decision(run: Run, case: str, mode: str) -> Decision:
    plan, summary = run.plan_of(case, mode), None if run.plan_only else run.summary_of(case, mode)
    fitness, why = _judged(run, case, mode, summary)
    real = summary is not None and not summary.emulated and run.suite.fidelity is None
    return Decision(
        case,
        mode,
        fitness,
        why,
        plan.roofline_seconds if plan else None,
        plan.casts if plan else None,
        len(plan.refused) if plan else None,
        summary.step_seconds if summary and real else None,
    )


def _judged(run: Run, case: str, mode: str, summary: Optional[Summary]) -> Tuple[Fitness, Tuple[Remark, ...]]:
    """Return whether the picture is right and why, by what was judged, else by its true loss."""
    found = run.fidelity_of(case, mode)
    if found is not None:
        return found.fitness, _clauses(found, mode == run.reference_mode)
    if summary is None:
        return "not_judged", ()
    if not summary.ok:
        return "not_judged", (remark("no_good_trial"),)
    reference = run.summary_of(case, run.reference_mode)
    if summary.true_loss is None or reference is None or not reference.true_loss or mode == run.reference_mode:
        return "not_judged", ()
    ratio = remark("loss_ratio", ratio=summary.true_loss / reference.true_loss, reference=run.reference_mode)
    # Less is no fault, however far: the picture is then nearer to what was asked for.
    far = summary.true_loss > reference.true_loss and is_far(summary.true_loss, reference.true_loss)
    return ("wrong" if far else "not_judged"), (ratio,)


def _clauses(found: ModeFidelity, is_reference: bool) -> Tuple[Remark, ...]:
    """Return the most telling reasons: the first thing that float16 lost and the first figure beyond its limit."""
    if found.fitness == "fit" and not found.reasons:
        bound = found.fit_bounds[0] if found.fit_bounds and not is_reference else None
        held = bound and remark("keeps_limit", figure=bound.figure, value=bound.value, limit=bound.limit)
        return (held,) if held else ()
    told = [next((reason for reason in found.reasons if reason.code in codes), None) for codes in (_ALARMS, _BOUNDS)]
    return tuple(filter(None, told)) or found.reasons[:1]
