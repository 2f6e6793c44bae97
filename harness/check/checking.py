"""Runs a user's graph in each mode and holds it against float32.

The parent asks a process of its own, `python -m harness.check.checking`, since running a graph needs TensorFlow.
"""

import os
import sys
from datetime import datetime, timezone
from typing import Any, Callable, Dict, List, Optional, Tuple

from harness.check.feeds import first_shapes
from harness.check.messages import CheckAnswer, CheckQuestion
from harness.errors import UsageError
from harness.machine.child import ask, to_parent
from harness.precision import DtypePlan, PrecisionConfigError
from harness.records import Mode
from harness.records.graph_check import CheckedFetch, CheckedOp, FeedSource, GraphCheck, LostValues, ModeCheck
from harness.remark import Remark, remark

_SECONDS = 7200.0
"""Longest time from one phase to the next."""
_PROGRAM = "harness.check.checking"


def check(question: CheckQuestion, hear: Callable[[CheckAnswer], None]) -> GraphCheck:
    """Check a graph; `hear` is called with each phase as it begins.

    Raises:
        UsageError: the graph, a fetch, the feeds or a customize_dtypes entry cannot be used, or a package is missing.
        ChildFailedError: the check failed.
    """

    def take(message: str) -> None:
        answer = CheckAnswer.model_validate_json(message)
        if answer.phase is not None:
            hear(answer)

    answer = CheckAnswer.model_validate_json(
        ask("the check", _PROGRAM, question.model_dump_json(), _SECONDS, take, may_fork=True)
    )
    if answer.check is None:
        raise UsageError(answer.error)
    return answer.check


class Checking:
    """Answers one question; what is measured of float32 is measured once for all modes."""

    def __init__(self, question: CheckQuestion, device: Any, tell: Callable[..., None]) -> None:
        from harness.check.measuring import Reference

        self.question, self.tell = question, tell
        self.started = datetime.now(timezone.utc)
        self.reference = Reference(question, device, tell)
        self.outputs: Dict[int, Any] = {}
        """By sample: what compares the outputs of ops."""

    def run(self) -> GraphCheck:
        """Measure and judge every mode."""
        import tensorflow.compat.v1 as tf

        reference, subject = self.reference, self.reference.subject
        self.tell("float64")
        reference.measure_exact()
        if any(mode.format != "float32" for mode in self.question.modes):
            self.tell("noise")
            reference.measure_noise(self.question.noise)
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
            modes=tuple(map(self._mode, self.question.modes)),
            remarks=tuple(reference.remarks),
            float32_seconds=reference.float32.seconds,
        )

    def _feeds(self) -> FeedSource:
        question, samples = self.question, self.reference.samples
        is_random = not question.feeds and bool(samples[0])
        return FeedSource(
            files=tuple(map(os.path.basename, question.feeds)),
            samples=len(samples),
            low=question.random.low if is_random else None,
            high=question.random.high if is_random else None,
            seed=question.random.seed if is_random else None,
            shapes=first_shapes(samples),
            sha256=samples.sha256(),
        )

    def _mode(self, mode: Mode) -> ModeCheck:
        from harness.check import judgement
        from harness.plans.figures import figures

        self.tell("planning", mode.name)
        plan = self.reference.plan(mode.precision)
        self.tell("mode", mode.name)
        measured = self.reference.measure(plan)
        fetches = self.reference.judge(measured)
        fitness = judgement.overall(fetches)
        if fitness == "fit" and plan.unknown_types and not plan.all_float32:
            fitness = "not_judged"
        lost = _lost(plan, measured.lost)
        ops: List[CheckedOp] = []
        if self.question.every_op or fitness == "wrong":
            self.tell("ops", mode.name)
            ops = self._ops(plan, fetches)
        return ModeCheck(
            mode=mode,
            plan=figures(plan),
            fitness=fitness,
            reasons=tuple(_reasons(plan, fetches, lost)),
            fetches=fetches,
            lost=lost,
            first=next((op for op in ops if op.parts), None),
            ops=tuple(ops) if self.question.every_op else (),
            remarks=(*plan.remarks, *_refused(plan)),
            seconds=measured.seconds,
        )

    def _ops(self, plan: DtypePlan, fetches: Tuple[CheckedFetch, ...]) -> List[CheckedOp]:
        """Compare all ops in the sample in which a fetch is furthest beyond its limit."""
        from harness.check.parting import OpOutputs

        def badness(sample: int) -> float:
            found = [(fetch.errors[sample], fetch.limit) for fetch in fetches]
            return max(error.not_finite * 1e9 + error.distance / (limit or 1.0) for error, limit in found)

        sample = max(range(len(self.reference.samples)), key=badness)
        if sample not in self.outputs:
            self.outputs[sample] = OpOutputs(self.reference, sample)
        compared: List[CheckedOp] = self.outputs[sample].compare(plan)
        return compared


def _lost(plan: DtypePlan, counts: Dict[str, Any]) -> Tuple[LostValues, ...]:
    types = {op.name: op.type for op in plan.ops}
    order = {name: place for place, name in enumerate(types)}
    found = [(name, list(map(int, count))) for name, count in counts.items() if any(count)]
    found.sort(key=lambda item: order.get(item[0], len(order)))
    return tuple(
        LostValues(op=name, type=types.get(name, ""), saturated=count[0], flushed=count[1], nan=count[2])
        for name, count in found
    )


def _reasons(plan: DtypePlan, fetches: Tuple[CheckedFetch, ...], lost: Tuple[LostValues, ...]) -> List[Remark]:
    """Say what is wrong with the fetches, and what saturated, whether that shows in them or not."""
    found = [remark("of_fetch", fetch=fetch.name, reason=reason) for fetch in fetches for reason in fetch.reasons]
    if plan.unknown_types and not plan.all_float32:
        found.append(remark("unknown_types_in_float32", types=plan.unknown_types))
    constants = [f"{item.consumer}:{item.position}" for item in plan.constants if item.saturated]
    found += [remark("constants_saturate", inputs=tuple(constants))] if constants else []
    saturated, invalid = ([op.op for op in lost if getattr(op, name)] for name in ("saturated", "nan"))
    found += [remark("ops_saturate", ops=tuple(saturated))] if saturated else []
    return found + ([remark("ops_make_nan", ops=tuple(invalid))] if invalid else [])


def _refused(plan: DtypePlan) -> Tuple[Remark, ...]:
    from harness.devices.host import refusals

    return refusals(plan)


def main() -> None:
    """Answer the question on standard input."""
    question = CheckQuestion.model_validate_json(sys.stdin.read())
    from harness.devices.opening import open_device
    from harness.precision import GraphError

    with to_parent() as parent:

        def say(**answer: Any) -> None:
            parent.write(CheckAnswer(**answer).model_dump_json() + "\n")

        def tell(phase: str, mode: Optional[str] = None) -> None:
            say(phase=phase, mode=mode or "")

        try:
            say(check=Checking(question, open_device("cpu"), tell).run())
        except (PrecisionConfigError, UsageError) as error:
            say(error=str(error))
        except GraphError as error:
            say(error=f"graph {question.graph.path}: {error}")


if __name__ == "__main__":
    main()
