"""Runs a graph on samples: from its initialisers on, some steps, with the same random numbers in every mode."""

import time
from typing import Any, Dict, List, NamedTuple, Sequence, Tuple

import numpy as np
import tensorflow.compat.v1 as tf

from harness.check.feeds import Feeds
from harness.check.noise import noisy_feeds, seeded
from harness.check.subject import Subject
from harness.errors import UsageError
from harness.precision.number_formats import FLOAT16

UPDATE = "update of {}"
"""Name of what the steps changed a variable by, among the values."""


class CannotRunError(UsageError):
    """TensorFlow cannot run the graph, or not on these feeds; the message does not name it."""


class Draws(NamedTuple):
    """Numbers that a graph's own random ops drew, which all modes are fed."""

    initial: Feeds
    steps: Tuple[Feeds, ...]


class Values(NamedTuple):
    """What a graph gave in one sample."""

    fetches: Dict[str, np.ndarray]
    """By tensor, of shape (steps, ...) where there are several steps; and what variables changed by."""
    lost: Dict[str, np.ndarray]
    """Three counts by op: values saturated, flushed to zero, NaN made 0."""


class Runner:
    """Runs a subject in a session of one of its graphs.

    Args:
        session: of the subject's graph, or of what a mode, noise or float64 made of it.
        counters: tensor of three counts, by op.
    """

    def __init__(self, session: Any, subject: Subject, counters: Dict[str, str]) -> None:
        self._session, self._subject = session, subject
        self._counters = counters
        self._names = {operation.name for operation in session.graph.get_operations()}
        self.steps = 1
        self.seconds = 0.0
        """Time of all that was run."""

    def draw(self, feeds: Feeds) -> Draws:
        """Return what the graph's own random ops draw before and in each step."""
        initial = self._draw(self._subject.initial_random, {})
        return Draws(initial, tuple(self._draw(self._subject.random, feeds) for _ in range(self.steps)))

    def run(self, feeds: Feeds, draws: Draws, noise: float = 0.0, seed: int = 0) -> Values:
        """Run the steps of one sample.

        Args:
            noise: relative size of noise on the inputs, of a session of a noisy graph.

        Raises:
            CannotRunError: TensorFlow cannot run the graph, or not on these feeds.
        """
        random = np.random.RandomState(seed)
        start = time.perf_counter()
        try:
            before = self._initialized(draws)
            rows: List[Feeds] = []
            lost: Dict[str, np.ndarray] = {}
            for step, drawn in enumerate(draws.steps):
                fed = self._known(noisy_feeds({**feeds, **drawn}, noise, random))
                if self._is_noisy:
                    fed.update(seeded(noise, (seed * len(draws.steps) + step) % 2**31))
                row, counts, _ = self._session.run([self._fetches, self._counters, list(self._subject.updates)], fed)
                rows.append(row)
                lost = {op: lost.get(op, 0) + count for op, count in counts.items()}
            after = self._variables()
        except (tf.errors.OpError, ValueError, TypeError) as error:
            raise CannotRunError(f"TensorFlow cannot run it: {first_line(error)}") from error
        self.seconds += time.perf_counter() - start
        values = {name: np.stack([row[name] for row in rows]) if len(rows) > 1 else rows[0][name] for name in rows[0]}
        values.update({UPDATE.format(name): after[name] - value for name, value in before.items()})
        return Values(values, lost)

    def outputs(self, feeds: Feeds, draws: Draws, tensors: Sequence[str], noise: float = 0.0, seed: int = 0) -> Feeds:
        """Return these tensors' values in the first step, which is not made: no operation is run for its effect."""
        fed = self._known(noisy_feeds({**feeds, **draws.steps[0]}, noise, np.random.RandomState(seed)))
        if self._is_noisy:
            fed.update(seeded(noise, seed))
        try:
            self._initialized(draws)
            values: Feeds = self._session.run({tensor: tensor for tensor in tensors}, fed)
        except (tf.errors.OpError, ValueError, TypeError) as error:
            raise CannotRunError(f"TensorFlow cannot run it: {first_line(error)}") from error
        return values

    @property
    def _is_noisy(self) -> bool:
        return "check_noise/size" in self._names

    @property
    def _fetches(self) -> Dict[str, str]:
        return {tensor: tensor for tensor in self._subject.fetches}

    def _initialized(self, draws: Draws) -> Dict[str, np.ndarray]:
        """Set the variables anew and return their values."""
        for one in self._subject.initializers:
            self._session.run(one.operation, {**self._known(draws.initial), **one.feeds})
        return self._variables()

    def _variables(self) -> Dict[str, np.ndarray]:
        found: Dict[str, np.ndarray] = self._session.run(self._subject.variables)
        return found

    def _draw(self, tensors: Sequence[str], feeds: Feeds) -> Feeds:
        found: Feeds = self._session.run({tensor: tensor for tensor in tensors}, self._known(feeds))
        return found

    def _known(self, feeds: Feeds) -> Dict[str, Any]:
        """Return the feeds of tensors that this graph has, in its dtypes."""
        found: Dict[str, Any] = {}
        for name, value in feeds.items():
            if name.split(":")[0] in self._names:
                dtype = self._session.graph.get_tensor_by_name(name).dtype
                is_raised = dtype == tf.float64 and value.dtype == np.float32
                found[name] = value.astype(np.float64) if is_raised else value
        return found


def first_line(error: BaseException) -> str:
    """Return the line that says what was wrong: in TensorFlow's errors the one above the node, else the first."""
    lines = [line.strip() for line in str(getattr(error, "message", error)).splitlines() if line.strip()]
    above = [line for line, below in zip(lines, lines[1:]) if below.startswith("[[")]
    return (above or lines or [type(error).__name__])[0]


ULP = FLOAT16.ulp
"""Relative size of the noise: one unit in the last place of float16."""
