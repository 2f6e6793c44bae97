"""What every record is built on."""

import os
from datetime import datetime
from typing import Dict

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from typing_extensions import Annotated

SCHEMA_VERSION = 1
"""Version of the form of run.json and the journal, raised when a reader of the older form would misread the newer."""


def _check_file_name(text: str) -> str:
    if "\0" in text:
        raise ValueError("expected a file name, which holds no NUL")
    if len(text) > 4096 or any(len(os.fsencode(part)) > 255 for part in text.split("/")):
        raise ValueError("expected a file name, of at most 255 bytes from one / to the next")
    return text


def _check_name_part(text: str) -> str:
    if set("/*?[\0") & set(text):
        raise ValueError("expected a part of a file's name, without / and wildcards")
    return text


def _check_time(text: str) -> str:
    if datetime.fromisoformat(text).tzinfo is None:
        raise ValueError("expected a time with its offset from UTC")
    return text


def _flush(figure: float) -> float:
    return figure if abs(figure) > 1e-200 else 0.0


def _check_losses(losses: Dict[str, float]) -> Dict[str, float]:
    if "total" not in losses:
        raise ValueError("expected a total among the losses")
    return losses


FileName = Annotated[str, AfterValidator(_check_file_name)]
"""A path as the system takes it."""
NamePart = Annotated[str, AfterValidator(_check_name_part)]
"""What a file's or folder's name is made of, and looked for by."""
Time = Annotated[str, AfterValidator(_check_time)]
"""ISO 8601."""
Count = Annotated[int, Field(ge=0, lt=2**63)]
Figure = Annotated[float, Field(ge=-1e100, le=1e100), AfterValidator(_flush)]
"""What was computed in float32 or float64; far enough from float64's ends that figures can be taken of it."""
Seconds = Annotated[float, Field(gt=0, le=1e9)]
"""What a clock showed: never 0, since ratios and logarithms are taken of it."""
Rate = Annotated[float, Field(gt=0, le=1e30)]
Losses = Annotated[Dict[str, Figure], AfterValidator(_check_losses)]
"""By name: content, style, tv, total; the last is always there."""


class Record(BaseModel):
    """Base of the nouns: immutable, and unknown fields are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
