"""Step sampling: what is timed, and what is left out."""

import gc
import math
import time
from typing import Callable, Iterator

from harness.events import Sample
from harness.records import Losses


class DivergedError(ArithmeticError):
    """A loss is not finite; the message names the terms."""

    def __init__(self, updates: int, losses: Losses) -> None:
        terms = ", ".join(f"{name} {value:g}" for name, value in losses.items() if not math.isfinite(value))
        super().__init__(f"the loss is not finite after {updates} updates: {terms}")
        self.updates = updates
        self.losses = losses


def require_finite(updates: int, losses: Losses) -> None:
    """Raise DivergedError when a loss is infinite or NaN."""
    if not all(math.isfinite(value) for value in losses.values()):
        raise DivergedError(updates, losses)


def sample_steps(step: Callable[[], Losses], steps: int, warmup: int, made: int = 0) -> Iterator[Sample]:
    """Run `step` and time each call on the monotonic clock.

    Args:
        step: makes one update and returns, once the device is done, the losses of the picture before it.
        steps: updates of the picture after the last call.
        warmup: calls after the first one that are not `timed` samples.
        made: updates made before the first call.

    Raises:
        DivergedError: a loss is not finite; the steps end there.
    """
    collecting = gc.isenabled()
    gc.disable()  # a collection inside a step would be counted as the step's
    try:
        for updates in range(made, steps):
            start = time.perf_counter()
            losses = step()
            seconds = time.perf_counter() - start
            require_finite(updates, losses)
            phase = "first" if updates == made else "warmup" if updates <= made + warmup else "timed"
            yield Sample(updates=updates, phase=phase, seconds=seconds, losses=losses)
    finally:
        if collecting:
            gc.enable()
