"""What the decisions come to in plain words: which mode to take, which are wrong, which the card does not take."""

import shlex
from typing import Callable, Dict, List, NamedTuple, Sequence, Tuple

from harness.records import Run
from harness.remark import Remark
from reports.advice import picture_options
from reports.decision import Decision, decisions
from reports.language import Words


class _Modes(NamedTuple):
    """What the decisions of all cases say of the run's modes."""

    right: List[str]
    """Right in every case."""
    wrong: Dict[str, Tuple[Remark, ...]]
    """Wrong in some case, and why in the first such."""
    refused: List[str]
    """Would not compile."""
    floors: Dict[str, float]
    """Seconds of one step of each case together, by mode."""
    cases: int

    @property
    def usable(self) -> List[str]:
        """Right, and compiled by the card, as far as that is known."""
        return [mode for mode in self.right if mode not in self.refused]


def _of_modes(found: Sequence[Decision]) -> _Modes:
    by_mode: Dict[str, List[Decision]] = {}
    for decision in found:
        by_mode.setdefault(decision.mode, []).append(decision)
    floors = {mode: [decision.floor_seconds for decision in told] for mode, told in by_mode.items()}
    wrong: Dict[str, Tuple[Remark, ...]] = {}
    for decision in found:
        if decision.fitness == "wrong":
            wrong.setdefault(decision.mode, decision.why)
    return _Modes(
        [mode for mode, told in by_mode.items() if all(decision.fitness == "fit" for decision in told)],
        wrong,
        [mode for mode, told in by_mode.items() if any(decision.refused for decision in told)],
        {mode: sum(filter(None, seconds)) for mode, seconds in floors.items() if None not in seconds},
        len({decision.case for decision in found}),
    )


class Sentence(NamedTuple):
    """A finding in plain words."""

    text: str
    command: str = ""
    """What tells more about it; empty when nothing does."""


def sentences(run: Run, words: Words, name: Callable[[str], str] = str) -> List[Sentence]:
    """Return in plain words which mode to take, which are wrong, and which the card does not take.

    Args:
        name: brings what the run's records hold, names of modes and reasons, into a format's form.
    """
    modes = _of_modes(decisions(run))
    said = [Sentence(_taken(modes, words, name))] if modes.right else []
    if modes.wrong:
        by_reason: Dict[str, List[str]] = {}
        for mode, why in modes.wrong.items():
            by_reason.setdefault(_clause(why, words), []).append(mode)
        clauses = [_listed(found, words, name) + words.colon + name(reason) for reason, found in by_reason.items()]
        text = words("Wrong: {clauses}. Which ops spoil it:", clauses=words.semicolon.join(clauses))
        said.append(Sentence(text, _command(["blame", next(iter(modes.wrong))], run)))
    # Of the right ones, where no other is, the first sentence says it.
    refused = modes.refused if modes.usable else [mode for mode in modes.refused if mode not in modes.right]
    if refused:
        said.append(Sentence(words("A 910 would not compile {modes}.", modes=_listed(refused, words, name))))
    if not (run.fidelity or run.plan_only):
        text = words("Whether the pictures are right was not judged. To judge them:")
        said.append(Sentence(text, _command(["choose"] if run.suite.own_cases else ["--suite", "accuracy"], run)))
    return said


def _command(words: List[str], run: Run) -> str:
    """Return a command of bench.py, with the pictures of the first case if they are one's own."""
    return " ".join(["python", "bench.py", *map(shlex.quote, [*words, *picture_options(run)])])


def _clause(why: Sequence[Remark], words: Words) -> str:
    """Return the first reason, without how far losses lie: modes that are wrong for the same one share it."""
    if why and why[0].code == "loss_ratio":
        return words("true loss far above that of {reference}", reference=why[0].values["reference"])
    return words.remark(why[0]) if why else ""


def _taken(modes: _Modes, words: Words, name: Callable[[str], str]) -> str:
    if not modes.usable:
        return words("Right, but not for a 910: {modes}.", modes=_listed(modes.right, words, name))
    known = [mode for mode in modes.usable if mode in modes.floors]
    if not known:
        return words("Right: {modes}.", modes=_listed(modes.usable, words, name))
    best = min(known, key=lambda mode: modes.floors[mode])
    floor = f"{modes.floors[best] * 1e3:.3f}"
    if modes.cases == 1:
        text = "Take {mode}: its picture is right, and a step takes at least {floor} ms on a 910."
        return words(text, mode=name(best), floor=floor)
    text = "Take {mode}: its {count} pictures are right, and a step of each takes at least {floor} ms in all on a 910."
    return words(text, mode=name(best), floor=floor, count=modes.cases)


def _listed(modes: Sequence[str], words: Words, name: Callable[[str], str]) -> str:
    return words.comma.join(map(name, modes))
