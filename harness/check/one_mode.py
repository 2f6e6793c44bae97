"""One mode of a graph, measured and judged. Needs TensorFlow."""

from typing import Any, Callable, Dict, List, Tuple

from harness.check import judgement
from harness.check.measuring import Reference
from harness.check.parting import OpOutputs
from harness.devices.host import refusals
from harness.plans.figures import figures
from harness.precision import DtypePlan
from harness.records import CheckedFetch, CheckedOp, LostValues, Mode, ModeCheck
from harness.records.fidelity import Fitness
from harness.remark import Remark, remark


class ModeChecker:
    """Checks modes against one reference; what noise does to the ops of a sample is measured once for all.

    Args:
        tell: is told each phase and the mode it is of.
    """

    def __init__(self, reference: Reference, tell: Callable[..., None]) -> None:
        self._reference, self._tell = reference, tell
        self._outputs: Dict[int, OpOutputs] = {}
        """By sample."""

    def check(self, mode: Mode, every_op: bool = False) -> ModeCheck:
        """Run the mode on all samples, judge it, and look where it parts from float32 if it is wrong.

        Args:
            every_op: hold every op's output against float32's, and keep what came of it.

        Raises:
            PrecisionConfigError: a customize_dtypes entry does not fit the graph.
        """
        self._tell("planning", mode.name)
        plan = self._reference.plan(mode.precision)
        self._tell("mode", mode.name)
        measured = self._reference.measure(plan)
        fetches = self._reference.judge(measured)
        fitness, lost = _fitness(plan, fetches), _lost(plan, measured.lost)
        ops: List[CheckedOp] = []
        if every_op or fitness == "wrong":
            self._tell("ops", mode.name)
            ops = self._ops(plan, fetches)
        return ModeCheck(
            mode=mode,
            plan=figures(plan),
            fitness=fitness,
            reasons=tuple(_reasons(plan, fetches, lost)),
            fetches=fetches,
            lost=lost,
            first=next((op for op in ops if op.parts), None),
            ops=tuple(ops) if every_op else (),
            remarks=(*plan.remarks, *refusals(plan)),
            seconds=measured.seconds,
        )

    def _ops(self, plan: DtypePlan, fetches: Tuple[CheckedFetch, ...]) -> List[CheckedOp]:
        """Compare all ops in the sample in which a fetch is furthest beyond its limit."""

        def badness(sample: int) -> float:
            found = [(fetch.errors[sample], fetch.limit) for fetch in fetches]
            return max(error.not_finite * 1e9 + error.distance / (limit or 1.0) for error, limit in found)

        sample = max(range(len(self._reference.samples)), key=badness)
        if sample not in self._outputs:
            self._outputs[sample] = OpOutputs(self._reference, sample)
        return self._outputs[sample].compare(plan)


def _fitness(plan: DtypePlan, fetches: Tuple[CheckedFetch, ...]) -> Fitness:
    found = judgement.overall(fetches)
    return "not_judged" if found == "fit" and _has_unknown(plan) else found


def _has_unknown(plan: DtypePlan) -> bool:
    return bool(plan.unknown_types) and not plan.all_float32


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
    if _has_unknown(plan):
        found.append(remark("unknown_types_in_float32", types=plan.unknown_types))
    constants = [f"{item.consumer}:{item.position}" for item in plan.constants if item.saturated]
    found += [remark("constants_saturate", inputs=tuple(constants))] if constants else []
    saturated, invalid = ([op.op for op in lost if getattr(op, name)] for name in ("saturated", "nan"))
    found += [remark("ops_saturate", ops=tuple(saturated))] if saturated else []
    return found + ([remark("ops_make_nan", ops=tuple(invalid))] if invalid else [])
