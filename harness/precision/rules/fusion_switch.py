"""The fusion_switch file: which of the compiler's graph fusions the user turns off."""

from typing import Any, List, NamedTuple, Tuple

GRAPH, BUFFER = "GraphFusion", "UBFusion"
"""Fusions of the graph, and those inside a kernel, which change no dtype."""
ALL = "ALL"

CLOSABLE = frozenset(
    (
        "ConstToAttrStridedSliceFusion",
        "MatMulBiasAddFusionPass",
        "MulSquareFusionPass",
        "OneHotFusionPass",
        "PadFusionPass",
        "Pow2SquareFusionPass",
        "RealDiv2MulsFusionPass",
        "SoftmaxGradFusionPass",
        "SparseSoftMaxFusionPass",
        "TBEConvAddFusion",
        "TileConstToAttrFusion",
    )
)
"""The passes known here that a switch turns off; the others stay on whatever it says (GE fusion_pass_util.h)."""


class FusionSwitch(NamedTuple):
    """One line of a fusion_switch file."""

    group: str
    """GRAPH or BUFFER; empty in a file of the old form, whose lines are of both."""
    name: str
    """A pass, or ALL."""
    is_on: bool


def passes_off(switches: Tuple[FusionSwitch, ...]) -> Tuple[str, ...]:
    """Return the known passes that these switches turn off, sorted; a pass's own line beats the one for all.

    GE fusion_config_parser.cc.
    """
    own = {switch.name: switch.is_on for switch in switches if switch.group in (GRAPH, "")}
    return tuple(sorted(name for name in CLOSABLE if not own.get(name, own.get(ALL, True))))


def from_json(document: Any) -> Tuple[FusionSwitch, ...]:
    """Read {"Switch": {"GraphFusion": {"APass": "off"}, "UBFusion": {}}}; raises ValueError with what was expected."""
    groups = document.get("Switch") if isinstance(document, dict) else None
    if not isinstance(groups, dict):
        raise ValueError("expected an object with an object Switch in it")
    switches: List[FusionSwitch] = []
    for group, lines in groups.items():
        if group not in (GRAPH, BUFFER):
            raise ValueError(f"{group}: expected {GRAPH} or {BUFFER}")
        if not isinstance(lines, dict):
            raise ValueError(f"{group}: expected an object of passes, each on or off")
        for name, value in lines.items():
            switches.append(FusionSwitch(group, name.strip(), _is_on(f"{group}: {name}", value)))
    return tuple(switches)


def from_lines(text: str) -> Tuple[FusionSwitch, ...]:
    """Read the old form, a line `NamePass:off` for each pass; raises ValueError with what was expected."""
    switches: List[FusionSwitch] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line:
            continue
        name, separator, value = line.partition(":")
        if not separator:
            raise ValueError(f"line {number}: expected PASS:on or PASS:off")
        switch = FusionSwitch("", name.strip(), _is_on(f"line {number}", value.strip()))
        if switch.name in [earlier.name for earlier in switches]:
            raise ValueError(f"line {number}: {switch.name}: expected one line for each pass")
        switches.append(switch)
    return tuple(switches)


def _is_on(where: str, value: Any) -> bool:
    if value not in ("on", "off"):
        raise ValueError(f"{where}: expected on or off")
    return bool(value == "on")
