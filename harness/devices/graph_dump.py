"""The card's compiler writes its graph to files on request: how many casts it made, against our plan.

Sources: hiascend.com, environment variables DUMP_GE_GRAPH and DUMP_GRAPH_PATH; the files are named
ge_proto_NUMBER_STAGE.txt, protobuf text, and ge_onnx_NUMBER_STAGE.pbtxt; the last stage is PreRunAfterBuild.
"""

import re
from pathlib import Path
from typing import List

from harness.precision import DtypePlan
from harness.remark import Remark, remark

_LAST_STAGE = "*_PreRunAfterBuild.*"
_OP = re.compile(rb'^\s*(?:op_)?type: "(?:ge:)?([A-Za-z]\w*)"', re.MULTILINE)


def compare(plan: DtypePlan, folder: Path) -> Remark:
    """Say how the card's casts compare with the planned ones.

    The largest dumped graph is taken for the step. A constant's cast is made when the graph is compiled and is in no
    dump, so those of the plan are left out.
    """
    planned = sum(1 for cast in plan.casts if cast.producer != "constant")
    dumps = sorted(path for path in folder.rglob(_LAST_STAGE) if path.is_file())
    if not dumps:
        return remark("casts_not_checked", planned=planned, folder=str(folder))
    path, types = max(((path, _op_types(path)) for path in dumps), key=lambda found: len(found[1]))
    found = types.count("Cast")
    code = "casts_as_planned" if found == planned else "casts_not_as_planned"
    return remark(code, casts=found, ops=len(types), file=path.name, planned=planned)


def _op_types(path: Path) -> List[str]:
    return [match.decode() for match in _OP.findall(path.read_bytes())]
