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
"""The mode that ratios refer to on a host: float32 throughout."""
CARD_REFERENCE_MODE = ALLOW_FP32_TO_FP16
"""The mode that ratios refer to on the card, where no float32 convolution exists."""


class Inputs(Record):
    """What the input files of a case hold; the hashes of pictures are over their pixels after resizing."""

    content_sha256: str
    styles_sha256: Tuple[str, ...]
    initial_sha256: Optional[str] = None
    """SHA-256 of the picture to start from; None for a start from the content picture or from noise."""
    further_contents_sha256: Tuple[str, ...] = ()
    network_sha256: str
    """SHA-256 of the weights' numbers, not of the file that holds them."""
    height: int = Field(gt=0)
    """Height of the content picture in pixels, after resizing."""
    width: int = Field(gt=0)
    """Width of the content picture in pixels, after resizing."""


class Case(Record):
    """What is stylized: pictures, size, steps, settings, network, start."""

    id: str
    content: FileName
    """Path of the first content picture."""
    further_contents: Tuple[FileName, ...] = ()
    """Paths of the content pictures after the first; all must have the first one's size after resizing."""
    batch: int = Field(1, gt=0, le=1024)
    """Pictures drawn at once: the content pictures in turn, each with a noise of its own."""
    styles: Tuple[FileName, ...] = Field(min_length=1)
    """Paths of the style pictures."""
    size: Optional[int] = Field(None, gt=0, le=MAX_SIDE)
    """Width in pixels that the content picture is resized to, its height in proportion; None: its own width."""
    steps: int = Field(gt=0, le=1_000_000)
    """Updates of the picture, warm-up included. Steps made for their time alone come after them."""
    settings: StyleSettings = StyleSettings()
    network: FileName = "synthetic"
    """Name of a built-in network, or the path of a file with its weights."""
    initial: FileName = "content"
    """What the picture starts from: `content`, `noise`, or the path of a picture."""
    noise_blend: Optional[float] = Field(None, ge=0, le=1)
    """Share of noise in a start from a picture."""
    seed: int = Field(0, ge=0, lt=2**32)
    """Seed of the first picture's noise; picture k of a batch has seed + k."""
    advisory: bool = False
    """True when verdicts on the case are shown but change no exit status, as for a case too chaotic to gate on."""
    inputs: Optional[Inputs] = None
    """What the files hold; None until they have been read."""

    def digest(self) -> str:
        """Return the SHA-256 of all that decides the numbers, without paths and names.

        Results of cases with unequal digests are incomparable. Raises ValueError before the files have been read.
        """
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
    """Name of the precision mode, followed by `+` and a name for each option that was added to it."""
    precision: PrecisionConfig
    loss_scale: Optional[LossScale] = None
    overflow: Literal["saturate", "ieee"] = "saturate"
    """What the emulated chip makes of values that float16 cannot hold; the 910 only saturates."""
    emit: Literal["rounded", "native"] = "rounded"
    """How a host computes what the plan narrows: in float32 rounded as on the card, or in its own narrow kernels."""
    npu_options: Dict[str, str] = {}
    """Further session options of the card, by key; hosts take no notice of them."""

    @property
    def format(self) -> str:
        """The narrowest number format that a host computes the mode in: float32, float16 or bfloat16."""
        return "float32" if self.precision.mode == MUST_KEEP else self.precision.low

    @model_serializer(mode="wrap")
    def _without_defaults(self, serialize: Any) -> Dict[str, Any]:
        """Leave out what was not asked for, so that stored modes stay as they are when options are added."""
        dumped = serialize(self)
        defaults: Dict[str, Any] = {"loss_scale": None, "overflow": "saturate", "emit": "rounded", "npu_options": {}}
        return {name: value for name, value in dumped.items() if name not in defaults or value != defaults[name]}
