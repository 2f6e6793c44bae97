"""Delta debugging: finds a smallest part of a list that still has a property of the whole."""

from typing import Callable, List, Sequence, TypeVar

T = TypeVar("T")


def smallest(items: Sequence[T], does: Callable[[Sequence[T]], bool]) -> List[T]:
    """Return a part of `items`, for which `does` holds, that loses this when any one element is left out.

    Zeller and Hildebrandt, Simplifying and Isolating Failure-Inducing Input (2002): parts and their complements at ever
    finer granularity. The order is kept; elements need not be neighbours. Sets may be asked about more than once.
    """
    found, pieces = list(items), 2
    while len(found) > 1:
        size = -(-len(found) // pieces)
        parts = [found[start : start + size] for start in range(0, len(found), size)]
        rests = [[item for item in found if item not in part] for part in parts]
        part = next((part for part in parts if does(part)), None)
        rest = next((rest for rest in rests if does(rest)), None) if part is None else None
        if part is not None:
            found, pieces = part, 2
        elif rest is not None:
            found, pieces = rest, max(pieces - 1, 2)
        elif size == 1:
            return found
        else:
            pieces = min(2 * pieces, len(found))
    return found
