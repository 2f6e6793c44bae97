"""Plans which dtype each op gets and why, for the style step or any graph file, without running it.

The parent asks a process of its own, `python -m harness.plans.explain`, since planning imports TensorFlow.
"""

import sys
import threading
from typing import Any, Dict, List, Optional, Sequence, Tuple

from harness import modes
from harness.errors import UsageError
from harness.graphs.source import GraphSource
from harness.machine.child import ask, to_parent
from harness.precision import DtypePlan, PrecisionConfigError
from harness.records import REFERENCE_MODE, Case, Mode, Record

_PLANNING_SECONDS = 1800.0


class Question(Record):
    """What is to be planned: a case's training step, or a graph file."""

    case: Optional[Case] = None
    graph: Optional[GraphSource] = None
    modes: Tuple[Mode, ...]
    cache: str = ""


class Answer(Record):
    """The plans, one per mode, or why there are none."""

    plans: Tuple[DtypePlan, ...] = ()
    guessed: Tuple[str, ...] = ()
    """Fetches of a graph file that nobody named."""
    error: str = ""


def explain(question: Question, stop: Optional[threading.Event] = None) -> List[DtypePlan]:
    """Return a plan for each mode, as `planned` does."""
    return list(planned(question, stop).plans)


def planned(question: Question, stop: Optional[threading.Event] = None) -> Answer:
    """Return a plan for each mode, and what had to be guessed for them.

    Args:
        stop: planning is broken off once this is set.

    Raises:
        KeyboardInterrupt: Ctrl-C, or `stop` was set.
        UsageError: the graph file, a fetch or a customize_dtypes entry cannot be used, or a package is missing.
        ChildFailedError: planning failed.
    """
    asked = question.model_dump_json()
    answer = Answer.model_validate_json(
        ask("planning", "harness.plans.explain", asked, _PLANNING_SECONDS, may_fork=True, stop=stop)
    )
    if answer.error:
        raise UsageError(answer.error)
    return answer


def check_op_names(cases: Sequence[Case], modes: Sequence[Mode], cache: str) -> None:
    """Raise UsageError when customised dtypes name an op that a case's step does not have.

    Only a graph can tell, so this plans; modes that name no op cost nothing.
    """
    naming = tuple(mode for mode in modes if any(not entry.by_type for entry in mode.precision.custom_dtypes))
    for case in cases if naming else ():
        explain(Question(case=case, modes=naming, cache=cache))


def main() -> None:
    """Answer the question on standard input."""
    question = Question.model_validate_json(sys.stdin.read())
    from harness.devices.device import DeviceUnavailable
    from harness.graphs.reading import read_graph
    from harness.precision import GraphError, plan_graph

    try:
        guessed: Tuple[str, ...] = ()
        if question.graph is not None:
            graph = read_graph(**dict(question.graph))
            guessed = graph.fetches if graph.is_guessed else ()
            graphs: List[Tuple[Any, Sequence[str]]] = [(graph.graph_def, graph.fetches)] * len(question.modes)
        else:
            graphs = _steps(question)
        pairs = zip(question.modes, graphs)
        plans = tuple(plan_graph(graph_def, fetches, mode.precision) for mode, (graph_def, fetches) in pairs)
        answer = Answer(plans=plans, guessed=guessed)
    except (PrecisionConfigError, DeviceUnavailable, UsageError) as error:
        answer = Answer(error=str(error))
    except GraphError as error:
        answer = Answer(error=f"graph {question.graph.path}: {error}" if question.graph else str(error))
    with to_parent() as parent:
        parent.write(answer.model_dump_json() + "\n")


def _steps(question: Question) -> List[Tuple[Any, Sequence[str]]]:
    """Return the case's step and its fetches for each mode; modes with the same loss scaling share one graph."""
    from harness.devices.opening import open_device
    from harness.step.building import build_step, step_fetches
    from harness.step.inputs import load

    case = question.case
    assert case is not None
    _, pictures, network = load(case, question.cache)
    device = open_device("cpu")
    made: Dict[Any, Tuple[Any, Sequence[str]]] = {}
    for mode in question.modes:
        # The targets' values matter little to a plan, their shapes much: in float32, which any host has kernels for.
        if mode.loss_scale not in made:
            float32 = modes.get(REFERENCE_MODE).model_copy(update={"loss_scale": mode.loss_scale})
            graph = build_step(case, float32, device, pictures, network)
            made[mode.loss_scale] = graph.graph_def, step_fetches(graph)
    return [made[mode.loss_scale] for mode in question.modes]


if __name__ == "__main__":
    main()
