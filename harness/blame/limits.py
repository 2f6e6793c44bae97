"""What a search for a cause may take."""

import math
import time
from typing import TYPE_CHECKING, NamedTuple, Optional, Tuple

if TYPE_CHECKING:
    from harness.blame.messages import Answer


class Limits(NamedTuple):
    """What a search may take."""

    until: float = math.inf
    """Time on time.monotonic()'s clock after which no further set is tried."""
    tries: float = math.inf
    """Number of sets that may be tried."""

    @classmethod
    def from_now(cls, seconds: Optional[float], tries: Optional[int]) -> "Limits":
        """Return the limits of a search that begins now; None: no limit."""
        return cls(math.inf if seconds is None else time.monotonic() + seconds, tries or math.inf)

    def are_reached(self, answer: "Answer", tried: int) -> bool:
        """Return True when the search is to end with this message, after `tried` sets were scored."""
        return (answer.attempt is not None and tried >= self.tries) or time.monotonic() > self.until


NO_LIMITS = Limits()


class TimeIsUp(Exception):
    """A search has had the time or the tries that it was given; `ops` is the smallest fitting set so far, or empty."""

    def __init__(self, ops: Tuple[str, ...] = ()) -> None:
        super().__init__("the time of the search is up")
        self.ops = ops
