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
        """Return True when a step in this mode can run on this kind of device."""

    def refusal(self, mode: Mode, health: bool) -> Optional[str]:
        """Return why this kind of device cannot run the mode with its options; None when it can.

        Args:
            health: the run is to count what float16 loses.
        """


class Host:
    """A CPU, or a GPU that TensorFlow drives itself: the card's decisions are emulated there."""

    reference_mode = REFERENCE_MODE

    def __init__(self, name: str) -> None:
        self.name = name

    def compiles(self, mode: Mode) -> bool:
        """Return True: every mode can run on a host."""
        return True

    def refusal(self, mode: Mode, health: bool) -> Optional[str]:
        """Refuse session options of the card, and counters where nothing is rounded."""
        if mode.npu_options:
            return f"--npu-option {next(iter(mode.npu_options))}: there is no card in --device {self.name}"
        if mode.emit == "native" and health:
            return f"--health counts what rounding loses, and {mode.name} does not round; leave one out"
        return None


class Card:
    """An Ascend 910: its own compiler decides, and nothing is emulated."""

    reference_mode = CARD_REFERENCE_MODE

    def compiles(self, mode: Mode) -> bool:
        """Return True for all modes but must_keep_origin_dtype: the card has no float32 convolution."""
        return mode.precision.mode != MUST_KEEP

    def refusal(self, mode: Mode, health: bool) -> Optional[str]:
        """Refuse options of the emulation, and bfloat16, which the 910 has not."""
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
"""Kinds of device by name; `auto` is a card where there is one, else a GPU that TensorFlow sees, else the CPU."""


def check(kind: str, suite: Suite, health: bool) -> None:
    """Raise UsageError when the suite asks for what this kind of device cannot do."""
    for mode in suite.modes:
        refusal = KINDS[kind].refusal(mode, health)
        if refusal is not None:
            raise UsageError(refusal)
        for case in suite.cases:
            npu_options.check_steps(mode.npu_options, case.steps)
