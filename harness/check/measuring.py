"""A graph's float32 values, their noise and float64 values, and what a mode makes of them. Needs TensorFlow."""

import math
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Tuple

import numpy as np
import tensorflow.compat.v1 as tf

from harness.check import errors, judgement
from harness.check.feeds import Samples, from_files, random_feeds
from harness.check.messages import GraphQuestion
from harness.check.noise import noisy_graph
from harness.check.raising import raised
from harness.check.running import ULP, CannotRunError, Draws, Runner, Values, first_line
from harness.check.subject import Subject, subject
from harness.errors import UsageError
from harness.graphs.reading import read_graph
from harness.precision import DtypePlan, PrecisionConfig, emit_with_health, plan_graph
from harness.records.graph_check import CheckedFetch
from harness.remark import Remark, remark

Tell = Callable[..., None]
"""Is told a phase of harness.check.messages, and its mode where it has one."""


class Measured(NamedTuple):
    """A mode's values over all samples."""

    values: Tuple[Values, ...]
    seconds: float

    @property
    def lost(self) -> Dict[str, np.ndarray]:
        """What each op lost over all samples: values saturated, flushed to zero, NaN made 0."""
        found: Dict[str, np.ndarray] = {}
        for values in self.values:
            for op, counts in values.lost.items():
                found[op] = found.get(op, 0) + counts
        return found


class Reference:
    """The graph in float32, once read and run: what every mode is held against."""

    def __init__(self, question: GraphQuestion, device: Any, tell: Tell) -> None:
        self.device, self.steps = device, question.steps
        tell("reading")
        self.subject, self.samples, self.is_guessed = _read(question)
        tell("float32")
        self.draws: List[Draws] = []
        with self.runner(self.subject.graph_def) as runner:
            for index in range(len(self.samples)):
                self.draws.append(runner.draw(self.samples[index]))
            self.float32 = self._all(runner)
        self.exact: List[Dict[str, np.ndarray]] = []
        """Float64 values by sample; empty where there are none."""
        self.noisy: Dict[str, List[float]] = {}
        """Distances of noisy float32 runs, by fetch."""
        self.noise_runs = 0
        self.remarks: List[Remark] = []

    def measure_exact(self) -> None:
        """Run the graph in float64, as far as it can be raised."""
        try:
            in_float64 = raised(self.subject.graph_def)
            with self.runner(in_float64.graph_def) as runner:
                self.exact = [values.fetches for values in self._all(runner).values]
        except (UsageError, ValueError, tf.errors.OpError) as error:
            self.remarks.append(remark("not_raised", reason=str(error).splitlines()[0]))
            return
        if in_float64.left:
            self.remarks.append(remark("left_in_float32", ops=len(in_float64.left), first=in_float64.left[0]))

    def measure_noise(self, runs: int) -> None:
        """Run the graph with noise of one ulp of float16 on its inputs and weights, `runs` times or a little more.

        Every sample gets as many runs; a fetch's limit rests on those of all samples.
        """
        each = math.ceil(runs / len(self.samples))
        with self.runner(noisy_graph(self.subject.graph_def, self.subject.run_for)) as runner:
            for index, quiet in enumerate(self.float32.values):
                for seed in range(each):
                    values = runner.run(self.samples[index], self.draws[index], ULP, 1 + index * each + seed).fetches
                    for name, value in values.items():
                        error = errors.fetch_error(value, quiet.fetches[name])
                        self.noisy.setdefault(name, []).append(1.0 if error.not_finite else error.distance)
        self.noise_runs = each * len(self.samples)

    def plan(self, precision: PrecisionConfig) -> DtypePlan:
        """Return the plan of the graph; raises PrecisionConfigError."""
        plan: DtypePlan = plan_graph(self.subject.graph_def, self.subject.run_for, precision)
        return plan

    def measure(self, plan: DtypePlan) -> Measured:
        """Run the graph as the plan says."""
        emitted = emit_with_health(self.subject.graph_def, plan, self.subject.kept)
        with self.runner(emitted.graph_def, emitted.counters) as runner:
            return self._all(runner)

    def judge(self, measured: Measured) -> Tuple[CheckedFetch, ...]:
        """Hold a mode's fetches against float32's and float64's."""
        return tuple(
            judgement.checked(
                name,
                [values.fetches[name] for values in measured.values],
                [values.fetches[name] for values in self.float32.values],
                [values[name] for values in self.exact],
                self.noisy.get(name, []),
            )
            for name in self._compared()
        )

    def _compared(self) -> List[str]:
        """Names of the fetches, and of variables that change in float32."""
        first = self.float32.values[0].fetches
        return [name for name in first if name in self.subject.fetches or np.any(first[name])]

    def runner(self, graph_def: Any, counters: Optional[Dict[str, str]] = None) -> "_Opened":
        """Return a context that holds a runner of the subject on this graph."""
        return _Opened(self, graph_def, counters or {})

    def _all(self, runner: Runner) -> Measured:
        values = tuple(runner.run(self.samples[index], self.draws[index]) for index in range(len(self.samples)))
        return Measured(values, runner.seconds)


class _Opened:
    """A runner whose session is open within a context."""

    def __init__(self, reference: Reference, graph_def: Any, counters: Dict[str, str]) -> None:
        self._reference, self._counters = reference, counters
        self._session = reference.device.session(graph_def, optimize=False)

    def __enter__(self) -> Runner:
        try:
            session = self._session.__enter__()
        except ValueError as error:
            raise CannotRunError(f"TensorFlow cannot import it: {first_line(error)}") from error
        runner = Runner(session, self._reference.subject, self._counters)
        runner.steps = self._reference.steps
        return runner

    def __exit__(self, *error: Any) -> None:
        self._session.__exit__(*error)


def _read(question: GraphQuestion) -> Tuple[Subject, Samples, bool]:
    """Return the subject with the shapes of its feeds, the feeds, and whether its fetches were guessed."""
    graph = read_graph(**dict(question.graph))
    try:
        found = subject(graph, question.initialize)
        if question.feeds:
            samples = from_files(question.feeds, found.inputs)
        else:
            drawn = question.random
            number = drawn.samples if found.inputs else 1
            samples = random_feeds(found.inputs, drawn.low, drawn.high, drawn.seed, number, question.graph.shapes)
        return found.shaped(samples.common_shapes()), samples, graph.is_guessed
    except UsageError as error:
        raise error if str(error).startswith("feeds ") else UsageError(f"graph {graph.path}: {error}") from error
