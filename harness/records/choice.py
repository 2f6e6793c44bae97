"""Which modes may be used for pictures of one's own, and how the card is told."""

from typing import Optional, Tuple

from harness.records.base import SCHEMA_VERSION, Figure, FileName, Record


class Ready(Record):
    """A mode that may be used."""

    mode: str
    precision_mode: str
    """Value of the card's option of that name."""
    file: Optional[FileName] = None
    """Path of the customize_dtypes file, relative to the run's folder; None where none is needed."""
    ops: Tuple[str, ...] = ()
    """Ops that the file keeps in float32 so that the picture is right; empty where it is right anyway."""
    floor_seconds: Figure
    """Least time of a step on a 910, from the plan."""


class Choice(Record):
    """What was found beside a run's own figures, once its wrong modes had been searched for a cause."""

    schema_version: int = SCHEMA_VERSION
    ready: Tuple[Ready, ...] = ()
    """The card's quickest first."""
    slow: Tuple[str, ...] = ()
    """Names of wrong modes that were not searched: with ops in float32 they would be no quicker than what is right."""
    left: Tuple[str, ...] = ()
    """Names of wrong modes that the time did not suffice for."""
    search_seconds: Figure
    """What the searches were given."""
