"""Write options as the files that the compiler reads; the readers of the same formats are in config.py."""

import json
from typing import Any, Dict

from harness.precision.rules.config import LIST_KEYS, CustomDtypes, MixList, PrecisionConfig
from harness.precision.rules.fusion_switch import BUFFER, GRAPH


def customize_dtypes_text(config: PrecisionConfig) -> str:
    """Return the configuration's dtype overrides as a customize_dtypes file."""
    return "\n".join(map(_line, config.custom_dtypes))  # a last empty line would be refused


def modify_mixlist_text(mixlist: MixList) -> str:
    """Return the changes to the lists as a modify_mixlist file."""
    lists: Dict[str, Dict[str, Any]] = {}
    names = {flag: name for name, flag in LIST_KEYS.items()}
    for action, changes in (("to-add", mixlist.added), ("to-remove", mixlist.removed)):
        for flag, op_type in changes:
            lists.setdefault(names[flag], {}).setdefault(action, []).append(op_type)
    return json.dumps(lists, indent=1)


def fusion_switch_text(config: PrecisionConfig) -> str:
    """Return the configuration's fusion switches as a fusion_switch file."""
    groups: Dict[str, Dict[str, str]] = {}
    for switch in config.fusion_switches:
        for group in [switch.group] if switch.group else [GRAPH, BUFFER]:
            groups.setdefault(group, {})[switch.name] = "on" if switch.is_on else "off"
    return json.dumps({"Switch": groups}, indent=1)


def _line(entry: CustomDtypes) -> str:
    name = f"OpType::{entry.key}:" if entry.by_type else f"{entry.key}::"
    halves = (("InputDtype", entry.inputs), ("OutputDtype", entry.outputs))
    return name + ",".join(f"{half}:{','.join(dtypes)}" for half, dtypes in halves if dtypes)
