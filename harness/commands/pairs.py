"""The option --pairs: how many pairs of processes a comparison measures."""

import re
from typing import Any, Optional, Tuple

import click

MOST_PAIRS = 200


class PairsType(click.ParamType):  # type: ignore[type-arg]  # click 8.1 has no type to give it
    """`N` for exactly N pairs, `A..B` for at least A and then more until it is decided, at most B: as (A, B)."""

    name = "pairs"

    def convert(self, value: Any, param: Optional[click.Parameter], ctx: Optional[click.Context]) -> Tuple[int, int]:
        """Return fewest and most pairs; raises click.BadParameter."""
        if isinstance(value, tuple):
            return value
        match = re.fullmatch(r"([0-9]{1,9})(?:\.\.([0-9]{1,9}))?", value)
        fewest, most = (int(match.group(1)), int(match.group(2) or match.group(1))) if match else (0, 0)
        if not 2 <= fewest <= most <= MOST_PAIRS:
            self.fail(f"{value!r} (expected N or A..B, such as 5 or 3..20, from 2 to {MOST_PAIRS})", param, ctx)
        return fewest, most
