"""What every record is built on."""

from typing import Dict

from pydantic import BaseModel, ConfigDict

SCHEMA_VERSION = 1
"""Of run.json and the journal. Raised when a reader of the older form would misread the newer one."""

Losses = Dict[str, float]
"""By name: content, style, tv, total."""


class Record(BaseModel):
    """Base of the nouns: immutable, and unknown fields are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
