"""Step sampling, and what the seconds of the steps say: warm-up, steady state, drift."""

import gc
import math
import time
from typing import Callable, Generator, Optional

from harness.records import Losses
from harness.records.events import Sample, StepPhase


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


def sample_steps(
    step: Callable[[], Losses],
    steps: Optional[int],
    made: int = 0,
    extra: bool = False,
    per_call: int = 1,
    before: Callable[[], None] = lambda: None,
) -> Generator[Sample, None, None]:
    """Run `step` and time each call on the monotonic clock.

    Args:
        step: makes one update and returns, once the device is done, the losses of the picture before it; or
            `per_call` updates, and the losses before the last of them.
        steps: updates of the picture after the last call; without end when None.
        made: updates made before the first call.
        extra: the picture is done, and the steps are made for their time alone.
        before: called before each step, outside of its time.

    Raises:
        DivergedError: a loss is not finite; the steps end there.
    """
    collecting = gc.isenabled()
    gc.disable()  # a collection inside a step would be counted as the step's
    updates = made
    try:
        while steps is None or updates < steps:
            before()
            start = time.perf_counter()
            losses = step()
            seconds = (time.perf_counter() - start) / per_call
            phase: StepPhase = "extra" if extra else "first" if updates == made else "step"
            updates += per_call
            last = updates - 1  # that the losses belong to
            require_finite(last, losses)
            yield Sample(updates=last, phase=phase, seconds=seconds, losses=losses, steps=per_call)
    finally:
        if collecting:
            gc.enable()
