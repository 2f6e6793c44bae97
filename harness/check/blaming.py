"""Which ops make a mode compute a user's graph wrong: parts of it are kept in float32 and it is run anew.

The parent asks a process of its own, `python -m harness.check.blaming`, which answers once per set that it tried.
"""

import os
import sys
import tempfile
from typing import Any, Callable, List, Sequence, Tuple

from harness.blame.blocks import Swap, swaps, with_swaps
from harness.blame.messages import Answer, Score
from harness.blame.sets import SetSearch, Stages, blocks_of
from harness.check.checking import RunsGraph, saying_errors
from harness.check.messages import BlameQuestion
from harness.errors import UsageError
from harness.machine.child import ask, to_parent
from harness.precision import PrecisionConfig, customize_dtypes_text, layer_name, parse_customize_dtypes
from harness.records import GraphBlame, ModeCheck
from harness.remark import Remark

_SECONDS = 7200.0
"""Longest time that one set may take, and the start of the search with its noise."""


def blame(question: BlameQuestion, hear: Callable[[Answer], None]) -> GraphBlame:
    """Search for the cause; `hear` is called with each message but the last.

    Raises:
        UsageError: the graph, its feeds or a customize_dtypes entry cannot be used, running the graph crashed
            TensorFlow, or a package is missing.
        ChildFailedError: the search failed.
    """
    runs = RunsGraph(question)

    def take(message: str) -> None:
        runs.begun = True
        answer = Answer.model_validate_json(message)
        if answer.graph_blame is None and not answer.error:
            hear(answer)

    with runs:
        last = ask("the search", "harness.check.blaming", question.model_dump_json(), _SECONDS, take, may_fork=True)
    answer = Answer.model_validate_json(last)
    if answer.graph_blame is None:
        raise UsageError(answer.error)
    return answer.graph_blame


def scope_of(op: str) -> str:
    """Return all name scopes of an op, which are its block; `(no scope)` without any."""
    return op.rpartition("/")[0] or "(no scope)"


STAGES: Stages = (
    lambda swap: layer_name(swap.op),
    lambda swap: swap.block,
    lambda swap: f"{swap.block} {swap.type}",
    lambda swap: swap.op,
)
"""Of any graph: named layers, whole scopes, types of op within a scope, ops."""


def suspects(before: ModeCheck) -> List[Tuple[str, ...]]:
    """Return sets of ops at which a mode is seen to go wrong: the first that parts, and all that leave float16."""
    first = (before.first.op,) if before.first is not None else ()
    constants = [found for reason in before.reasons if reason.code == "constants_saturate" for found in _inputs(reason)]
    lost = [op.op for op in before.lost if op.saturated or op.nan]
    every = tuple(dict.fromkeys([*first, *constants, *lost]))
    return [first, every] if every != first else [first]


def _inputs(reason: Remark) -> List[str]:
    """Return the ops that a remark on constants names by their inputs."""
    inputs = reason.values["inputs"]
    return [name.rpartition(":")[0] for name in inputs] if isinstance(inputs, tuple) else []


class GraphSearch:
    """Runs sets of ops in float32, and looks for a smallest one with which every fetch is fit."""

    def __init__(self, question: BlameQuestion, device: Any, tell: Callable[[Answer], None]) -> None:
        from harness.check.measuring import Reference
        from harness.check.one_mode import ModeChecker

        self.question, self.tell = question, tell
        self.tell(Answer(phase="reference"))
        self.reference = Reference(question, device, lambda *phase: None)
        self.tell(Answer(phase="noise"))
        self.reference.measure_noise(question.noise)
        self.checker = ModeChecker(self.reference, lambda *phase: None)

    def run(self) -> GraphBlame:
        """Answer the question."""
        mode = self.question.mode
        before = self.checker.check(mode)
        search = SetSearch(self._score, self.tell, STAGES, self.question.hints)
        found = search.run(lambda: swaps(self.reference.plan(mode.precision), scope_of), lambda: suspects(before))
        text = customize_dtypes_text(with_swaps(mode.precision, found.swaps)) if found.swaps else ""
        return GraphBlame(
            graph=os.path.basename(self.question.graph.path),
            mode=mode.name,
            before=before,
            ops=tuple(swap.op for swap in found.swaps),
            after=self._proof(text) if text else None,
            tried=len(search.scores),
            customize_dtypes=text,
        )

    def _score(self, chosen: Sequence[Swap]) -> Score:
        from harness.check import judgement

        config = with_swaps(self.question.mode.precision, chosen)
        fetches = self.reference.judge(self.reference.measure(self.reference.plan(config)))
        worst = max(fetches, key=lambda fetch: fetch.furthest / (fetch.limit or 1.0))
        fit = judgement.overall(fetches) == "fit"
        return Score(
            ops=tuple(swap.op for swap in chosen),
            blocks=blocks_of(chosen),
            distance=worst.furthest,
            limit=worst.limit,
            fit=fit,
            customize_dtypes=customize_dtypes_text(config) if fit and chosen else "",
        )

    def _proof(self, text: str) -> ModeCheck:
        """Run the mode with what a file of this text says, read as the card's adapter reads it."""
        self.tell(Answer(phase="proof"))
        mode = self.question.mode
        with tempfile.NamedTemporaryFile("w", suffix=".cfg") as file:
            file.write(text)
            file.flush()
            entries = parse_customize_dtypes(file.name)
        precision = PrecisionConfig(mode.precision.mode, mode.precision.mixlist, entries, mode.precision.profile)
        return self.checker.check(mode.model_copy(update={"precision": precision}))


def main() -> None:
    """Answer the question on standard input."""
    question = BlameQuestion.model_validate_json(sys.stdin.read())
    from harness.devices.opening import open_device

    with to_parent() as parent:

        def say(**answer: Any) -> None:
            parent.write(Answer(**answer).model_dump_json() + "\n")

        with saying_errors(question, say):
            search = GraphSearch(question, open_device("cpu"), lambda answer: say(**dict(answer)))
            say(graph_blame=search.run())


if __name__ == "__main__":
    main()
