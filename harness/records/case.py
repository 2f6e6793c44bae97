"""What is measured: a case, and the mode it is computed in."""

import hashlib
import json
from typing import Any, Dict, Optional, Tuple

from pydantic import Field, model_serializer
from typing_extensions import Literal

from harness.precision.rules.config import ALLOW_FP32_TO_FP16, MUST_KEEP, PrecisionConfig
from harness.records.base import FileName, Record
from model.settings import MAX_SIDE, LossScale, StyleSettings

REFERENCE_MODE = MUST_KEEP
"""On a host: float32 throughout. Ratios refer to it."""
CARD_REFERENCE_MODE = ALLOW_FP32_TO_FP16
"""On the card, where no float32 convolution exists."""


class Inputs(Record):
    """What the input files of a case hold."""

    content_sha256: str
    styles_sha256: Tuple[str, ...]
    initial_sha256: Optional[str] = None
    further_contents_sha256: Tuple[str, ...] = ()
    network_sha256: str
    """Of the weights' numbers, not of the file that holds them."""
    height: int = Field(gt=0)
    width: int = Field(gt=0)
    """Pixels of the content picture, after resizing."""


class Case(Record):
    """What is stylized: pictures, size, steps, settings, network, start."""

    id: str
    content: FileName
    further_contents: Tuple[FileName, ...] = ()
    """Content pictures after the first; one size with it after resizing."""
    batch: int = Field(1, gt=0, le=1024)
    """Pictures drawn at once: the content pictures in turn, each with a noise of its own."""
    styles: Tuple[FileName, ...] = Field(min_length=1)
    size: Optional[int] = Field(None, gt=0, le=MAX_SIDE)
    """Width in pixels that the content picture is brought to; its own when None. The height follows."""
    steps: int = Field(gt=0, le=1_000_000)
    """Updates of the picture, warm-up included. Steps made for their time alone come after them."""
    settings: StyleSettings = StyleSettings()
    network: FileName = "synthetic"
    initial: FileName = "content"
    """`content`, `noise`, or the path of a picture."""
    noise_blend: Optional[float] = Field(None, ge=0, le=1)
    """Share of noise in a start from a picture."""
    seed: int = Field(0, ge=0, lt=2**32)
    advisory: bool = False
    """Judged and shown, but no part of an exit status: too chaotic to gate on, for one."""
    inputs: Optional[Inputs] = None
    """Filled in once the files have been read."""

    def digest(self) -> str:
        """SHA-256 of all that decides the numbers; paths and names are left out. Unequal digests: incomparable."""
        if self.inputs is None:
            raise ValueError(f"case {self.id}: its input files have not been read")
        initial = self.initial if self.initial in ("content", "noise") else "picture"
        left_out = {"id", "content", "further_contents", "styles", "network", "size", "advisory"}
        content = self.model_dump(mode="json", exclude=left_out)
        content["initial"] = initial
        if self.batch == 1:  # what was approved before there were batches stays valid
            del content["batch"], content["inputs"]["further_contents_sha256"]
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


class Mode(Record):
    """A precision mode of the card with its options."""

    name: str
    """The precision mode's, with `+` and what was added to it."""
    precision: PrecisionConfig
    loss_scale: Optional[LossScale] = None
    overflow: Literal["saturate", "ieee"] = "saturate"
    """What the emulated chip makes of values that float16 cannot hold; the 910 only saturates."""
    emit: Literal["rounded", "native"] = "rounded"
    """How a host computes what the plan narrows: in float32 rounded as on the card, or in kernels of its own for the
    narrow format. The card does not ask."""
    npu_options: Dict[str, str] = {}
    """Further session options of the card, by key; hosts take no notice of them."""

    @property
    def format(self) -> str:
        """The narrowest format that a host computes it in: float32, float16 or bfloat16."""
        return "float32" if self.precision.mode == MUST_KEEP else self.precision.low

    @model_serializer(mode="wrap")
    def _without_defaults(self, serialize: Any) -> Dict[str, Any]:
        """Leave out what was not asked for, so that stored modes stay as they are when options are added."""
        dumped = serialize(self)
        defaults: Dict[str, Any] = {"loss_scale": None, "overflow": "saturate", "emit": "rounded", "npu_options": {}}
        return {name: value for name, value in dumped.items() if name not in defaults or value != defaults[name]}
