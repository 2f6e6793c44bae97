"""Runs a user's graph in each mode and holds it against float32.

The parent asks a process of its own, `python -m harness.check.checking`, since running a graph needs TensorFlow.
"""

import contextlib
import os
import sys
from datetime import datetime, timezone
from typing import Any, Callable, Iterator, Optional

from harness.check.messages import CheckAnswer, CheckQuestion, GraphQuestion
from harness.errors import ChildKilledError, ChildSilentError, UsageError
from harness.machine.child import ask, to_parent
from harness.precision import PrecisionConfigError
from harness.records import FeedSource, GraphCheck

_SECONDS = 7200.0
"""Longest time from one phase to the next."""
_PROGRAM = "harness.check.checking"


def check(question: CheckQuestion, hear: Callable[[CheckAnswer], None]) -> GraphCheck:
    """Check a graph; `hear` is called with each phase as it begins.

    Raises:
        UsageError: the graph, a fetch, the feeds or a customize_dtypes entry cannot be used, running the graph crashed
            TensorFlow, or a package is missing.
        ChildFailedError: the check failed.
    """
    runs = RunsGraph(question)

    def take(message: str) -> None:
        answer = CheckAnswer.model_validate_json(message)
        if answer.phase is not None:
            runs.begun = answer.phase not in ("reading", "planning")
            hear(answer)

    with runs:
        last = ask("the check", _PROGRAM, question.model_dump_json(), _SECONDS, take, may_fork=True)
    answer = CheckAnswer.model_validate_json(last)
    if answer.check is None:
        raise UsageError(answer.error)
    return answer.check


class RunsGraph:
    """Says of a process that died or fell silent as it ran the user's graph that the graph and its feeds did it."""

    def __init__(self, question: GraphQuestion) -> None:
        self._question = question
        self.begun = False
        """Whether the graph is being run."""

    def __enter__(self) -> None:
        """Begin to ask."""

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        """Raise UsageError in place of what says that the process was ended."""
        if not self.begun:
            return
        path = self._question.graph.path
        if isinstance(error, ChildSilentError):
            raise UsageError(f"graph {path}: {error} (expected steps shorter than that, and loops that end)") from error
        if not isinstance(error, ChildKilledError):
            return
        drawn = self._question.random
        feeds = "its feeds" if self._question.feeds else f"random numbers from {drawn.low:g} to {drawn.high:g}"
        raise UsageError(
            f"graph {path}: {error}, run on {feeds} "
            "(expected feeds that TensorFlow can run it on in this machine's memory: --feeds FILE.npz)"
        ) from error


class Checking:
    """Answers one question; what is measured of float32 is measured once for all modes."""

    def __init__(self, question: CheckQuestion, device: Any, tell: Callable[..., None]) -> None:
        from harness.check.measuring import Reference

        self.question, self.tell = question, tell
        self.started = datetime.now(timezone.utc)
        self.reference = Reference(question, device, tell)

    def run(self) -> GraphCheck:
        """Measure and judge every mode."""
        import tensorflow.compat.v1 as tf

        from harness.check.one_mode import ModeChecker

        reference, subject = self.reference, self.reference.subject
        self.tell("float64")
        reference.measure_exact()
        if any(mode.format != "float32" for mode in self.question.modes):
            self.tell("noise")
            reference.measure_noise(self.question.noise)
        checker = ModeChecker(reference, self.tell)
        return GraphCheck(
            graph=os.path.basename(self.question.graph.path),
            sha256=subject.sha256(),
            started=self.started.isoformat(),
            tensorflow=tf.__version__,
            fetches=subject.run_for,
            is_guessed=reference.is_guessed,
            initializers=tuple(one.operation for one in subject.initializers),
            steps=self.question.steps,
            feeds=self._feeds(),
            noise_runs=reference.noise_runs,
            modes=tuple(checker.check(mode, self.question.every_op) for mode in self.question.modes),
            remarks=tuple(reference.remarks),
            float32_seconds=reference.float32.seconds,
        )

    def _feeds(self) -> FeedSource:
        question, samples = self.question, self.reference.samples
        is_random = not question.feeds and bool(samples.shapes[0])
        return FeedSource(
            files=tuple(map(os.path.basename, question.feeds)),
            samples=len(samples),
            low=question.random.low if is_random else None,
            high=question.random.high if is_random else None,
            seed=question.random.seed if is_random else None,
            shapes=samples.shapes[0],
            sha256=samples.sha256,
        )


@contextlib.contextmanager
def saying_errors(question: GraphQuestion, say: Callable[..., None]) -> Iterator[None]:
    """Say as `error` what of the user's input cannot be used."""
    from harness.check.running import CannotRunError
    from harness.precision import GraphError

    try:
        yield
    except (GraphError, CannotRunError) as error:
        say(error=f"graph {question.graph.path}: {error}")
    except (PrecisionConfigError, UsageError) as error:
        say(error=str(error))


def main() -> None:
    """Answer the question on standard input."""
    question = CheckQuestion.model_validate_json(sys.stdin.read())
    from harness.devices.opening import open_device

    with to_parent() as parent:

        def say(**answer: Any) -> None:
            parent.write(CheckAnswer(**answer).model_dump_json() + "\n")

        def tell(phase: str, mode: Optional[str] = None) -> None:
            say(phase=phase, mode=mode or "")

        with saying_errors(question, say):
            say(check=Checking(question, open_device("cpu"), tell).run())


if __name__ == "__main__":
    main()
