"""Runs steps one by one and times them, until the picture is done or a loss is not finite."""

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
    delay: float = 0.0,
) -> Generator[Sample, None, None]:
    """Run `step` and time each call on the monotonic clock.

    Args:
        step: makes `per_call` updates and returns, once the device is done, the losses of the picture before the last.
        steps: updates made, those before the first call included, at which to stop; None: never.
        made: updates made before the first call.
        extra: True when the picture is done, and the steps are made for their time alone.
        per_call: updates that one call of `step` makes.
        before: called before each call of `step`, outside of its time.
        delay: share of its own time by which each call is made longer; both times are in the sample.

    Raises:
        DivergedError: a loss is not finite; no further step is made.
    """
    collecting = gc.isenabled()
    gc.disable()  # a collection inside a step would be counted as the step's
    updates = made
    try:
        while steps is None or updates < steps:
            before()
            start = time.perf_counter()
            losses = step()
            whole = time.perf_counter() - start
            seconds = whole / per_call
            delayed_seconds = None
            if delay:
                time.sleep(delay * whole)
                delayed_seconds = (time.perf_counter() - start) / per_call
            phase: StepPhase = "extra" if extra else "first" if updates == made else "step"
            updates += per_call
            last = updates - 1  # that the losses belong to
            require_finite(last, losses)
            yield Sample(
                updates=last,
                phase=phase,
                seconds=seconds,
                delayed_seconds=delayed_seconds,
                losses=losses,
                steps=per_call,
            )
    finally:
        if collecting:
            gc.enable()
