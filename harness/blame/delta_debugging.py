"""Delta debugging: finds a smallest part of a list that still has a property of the whole."""

from functools import lru_cache
from typing import Callable, List, Sequence, TypeVar

T = TypeVar("T")


def smallest(
    items: Sequence[T], does: Callable[[Sequence[T]], bool], tell: Callable[[int], None] = lambda left: None
) -> List[T]:
    """Return a part of `items`, for which `does` holds, that loses this when any one element is left out.

    Zeller and Hildebrandt, Simplifying and Isolating Failure-Inducing Input (2002): parts and their complements at ever
    finer granularity. The order is kept; elements need not be neighbours. Sets may be asked about more than once.

    Args:
        tell: called before each question with how many there are at most from here on, that one included.
    """
    found, pieces = list(items), 2
    while len(found) > 1:
        size = -(-len(found) // pieces)
        parts = [found[start : start + size] for start in range(0, len(found), size)]
        # Of two parts each is the other's complement.
        rests = [[item for item in found if item not in part] for part in parts] if len(parts) > 2 else []
        left = most_questions(len(found), pieces)

        def holds(group: List[T]) -> bool:
            nonlocal left
            tell(left)
            left -= 1
            return does(group)

        part = next((part for part in parts if holds(part)), None)
        rest = next((rest for rest in rests if holds(rest)), None) if part is None else None
        if part is not None:
            found, pieces = part, 2
        elif rest is not None:
            found, pieces = rest, max(pieces - 1, 2)
        elif size == 1:
            return found
        else:
            pieces = min(2 * pieces, len(found))
    return found


@lru_cache(maxsize=None)
def most_questions(count: int, pieces: int = 2) -> int:
    """Return how many questions `smallest` asks at most about `count` elements that it is about to cut into `pieces`.

    That is quadratic in `count` at worst; where one part in two holds, it is twice the binary logarithm.
    """
    if count <= 1:
        return 0
    size = -(-count // pieces)
    parts = -(-count // size)
    last = count - size * (parts - 1)
    asked = 2 * parts if parts > 2 else parts
    part_holds = parts + most_questions(size)
    rest_holds = max(most_questions(count - cut, max(pieces - 1, 2)) for cut in (size, last))
    none_holds = 0 if size == 1 else most_questions(count, min(2 * pieces, count))
    return max(part_holds, asked + max(rest_holds if parts > 2 else 0, none_holds))
