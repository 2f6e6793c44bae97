"""The card's compiler writes its graph to files on request: how many casts it made, against our plan.

Sources: hiascend.com, environment variables DUMP_GE_GRAPH and DUMP_GRAPH_PATH; the files are named
ge_proto_NUMBER_STAGE.txt, protobuf text, and ge_onnx_NUMBER_STAGE.pbtxt; the last stage is PreRunAfterBuild.
"""

import re
from pathlib import Path
from typing import List

from harness.precision import DtypePlan

_LAST_STAGE = "*_PreRunAfterBuild.*"
_OP = re.compile(rb'^\s*(?:op_)?type: "(?:ge:)?([A-Za-z]\w*)"', re.MULTILINE)


def compare(plan: DtypePlan, folder: Path) -> str:
    """Say in one line how the card's casts compare with the planned ones.

    The largest dumped graph is taken for the step. A constant's cast is made when the graph is compiled and is in no
    dump, so those of the plan are left out.
    """
    planned = sum(1 for cast in plan.casts if cast.producer != "constant")
    dumps = sorted(path for path in folder.rglob(_LAST_STAGE) if path.is_file())
    if not dumps:
        return (
            f"card: its casts were not checked against the {planned} planned ones: no graph dump in {folder} "
            "(set DUMP_GE_GRAPH=2)"
        )
    path, types = max(((path, _op_types(path)) for path in dumps), key=lambda found: len(found[1]))
    found = types.count("Cast")
    verdict = "as planned" if found == planned else f"planned were {planned}"
    return f"card: {found} casts among the {len(types)} ops of {path.name}, {verdict}"


def _op_types(path: Path) -> List[str]:
    return [match.decode() for match in _OP.findall(path.read_bytes())]
