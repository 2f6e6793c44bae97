"""Writes the vendor's half of the packaged operator table anew from a table that CANN installs.

    python -m harness.precision.rules.generate_table aic-ascend910-ops-info.ini --date 2022-06-30 --source "CANN 5.1"

Lists and rows come from that file. What it does not say stays: rows of kernels that say theirs in Python, AI CPU
kernels, attribute forms, TensorFlow's names, cube types. Our own facts lie in another file and are not touched.
"""

import argparse
import json
from pathlib import Path
from typing import Any, Dict

from harness.precision.rules import ops_info
from harness.precision.rules.op_table import VENDOR_FILE, read_json

_BY_NAME = ("attribute_forms", "tensorflow", "ops")


def generated(table: Dict[str, Any], entries: Dict[str, ops_info.Entry]) -> Dict[str, Any]:
    """Return the vendor's facts with the lists and rows of CANN's entries, whose new types are added."""
    ops = {name: dict(columns) for name, columns in table["ops"].items()}
    for name, entry in entries.items():
        found = ops_info.columns(entry)
        if name not in ops and not ("rows" in found or found.get("no_kernel")):
            continue  # its kernel says its rows in Python, or has none of floats
        columns = ops.setdefault(name, {"ai_cpu": "unknown"} if "rows" in found else {})
        shape = columns.get("rows", found.get("rows", [">"]))[0].split(">")
        rows = ops_info.rows(entry, *(len([name for name in side.split(",") if name]) for side in shape))
        columns.pop("list", None)
        columns.update({key: value for key, value in found.items() if key == "list" or name not in table["ops"]})
        if rows is not None:
            columns["rows"] = [ops_info.row_text(row) for row in rows]
    return {**table, "ops": {name: columns for name, columns in ops.items() if columns}}


def text_of(table: Dict[str, Any]) -> str:
    """Write a table as JSON with one line for each type, so that two versions differ line by line."""
    parts = []
    for key, value in table.items():
        if key in _BY_NAME:
            lines = [f"    {json.dumps(name)}: {json.dumps(value[name])}" for name in sorted(value)]
            parts.append("  " + json.dumps(key) + ": {\n" + ",\n".join(lines) + "\n  }")
        else:
            parts.append("  " + json.dumps(key) + ": " + json.dumps(value, indent=2).replace("\n", "\n  "))
    return "{\n" + ",\n".join(parts) + "\n}\n"


def main() -> None:
    """Write the file anew."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("table", type=Path, help="aic-ascend910-ops-info.ini or .json")
    parser.add_argument("--date", required=True, help="of that file, such as 2022-06-30")
    parser.add_argument("--source", required=True, help="where it comes from")
    given = parser.parse_args()
    table = read_json(VENDOR_FILE)
    source = {**table["source"], "table": given.source, "date": given.date}
    entries = ops_info.parse(given.table, ops_info.read(given.table))
    VENDOR_FILE.write_text(text_of({**generated(table, entries), "source": source}), encoding="utf-8")


if __name__ == "__main__":
    main()
