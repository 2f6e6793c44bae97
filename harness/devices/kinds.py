"""What is known of a kind of device without opening one."""

from typing import Dict, Optional

from typing_extensions import Protocol

from harness.devices import npu_options
from harness.errors import UsageError
from harness.precision.rules.config import MUST_KEEP
from harness.records import CARD_REFERENCE_MODE, REFERENCE_MODE, Mode, Suite


class Kind(Protocol):
    """A kind of device, as the parent's side sees it."""

    reference_mode: str
    """Name of the mode that ratios refer to, and that runs where one mode is enough."""

    def compiles(self, mode: Mode) -> bool:
        """Whether a step in this mode can run on it at all."""

    def refusal(self, mode: Mode, health: bool) -> Optional[str]:
        """Why it cannot run this mode with its options, and counters of what is lost if `health`; None when it can."""


class Host:
    """A CPU, or a GPU that TensorFlow drives itself: the card's decisions are emulated there."""

    reference_mode = REFERENCE_MODE

    def __init__(self, name: str) -> None:
        self.name = name

    def compiles(self, mode: Mode) -> bool:
        """Every mode does."""
        return True

    def refusal(self, mode: Mode, health: bool) -> Optional[str]:
        """Options of the card are refused, and counters where nothing is rounded."""
        if mode.npu_options:
            return f"--npu-option {next(iter(mode.npu_options))}: there is no card in --device {self.name}"
        if mode.emit == "native" and health:
            return f"--health counts what rounding loses, and {mode.name} does not round; leave one out"
        return None


class Card:
    """An Ascend 910: its own compiler decides, and nothing is emulated."""

    reference_mode = CARD_REFERENCE_MODE

    def compiles(self, mode: Mode) -> bool:
        """must_keep_origin_dtype does not: the card has no float32 convolution."""
        return mode.precision.mode != MUST_KEEP

    def refusal(self, mode: Mode, health: bool) -> Optional[str]:
        """What belongs to the emulation alone is refused, and the formats that the 910 has not."""
        if mode.overflow == "ieee":
            return "--overflow ieee: the card saturates; this is a switch of the emulation"
        if mode.precision.is_bf16:
            return f"mode {mode.name}: the 910 has no bfloat16 and refuses the mode; use --device cpu"
        if mode.emit == "native":
            return "--emit native: the card's own compiler narrows the graph; this is a switch of hosts"
        if health:
            return "--health counts what the emulation loses; on the card see --npu-option enable_dump_debug"
        return None


KINDS: Dict[str, Kind] = {"auto": Host("auto"), "cpu": Host("cpu"), "gpu": Host("gpu"), "npu": Card()}
"""auto: an Ascend card when there is one, else a GPU when TensorFlow sees one, else the CPU."""


def check(kind: str, suite: Suite, health: bool) -> None:
    """Raise UsageError when the suite asks for what this kind of device cannot do."""
    for mode in suite.modes:
        refusal = KINDS[kind].refusal(mode, health)
        if refusal is not None:
            raise UsageError(refusal)
        for case in suite.cases:
            npu_options.check_steps(mode.npu_options, case.steps)
