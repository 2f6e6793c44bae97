"""The record itself, and the JSON Schema of it that other programs can rely on."""

import json
from pathlib import Path

from harness.records import Run
from reports.language import Words
from reports.stored_run import Evidence

SCHEMA = Path(__file__).resolve().parent.parent / "run.schema.json"


def render(evidence: Evidence, words: Words) -> bytes:
    """Return run.json; the language changes nothing in it."""
    return (evidence.run.model_dump_json(indent=1) + "\n").encode()


def schema() -> str:
    """Return the JSON Schema of run.json; reports/run.schema.json holds it."""
    document = {"$schema": "https://json-schema.org/draft/2020-12/schema", **Run.model_json_schema()}
    return json.dumps(document, indent=1, sort_keys=True) + "\n"


if __name__ == "__main__":  # python -m reports.documents.run_json, after a record has changed
    SCHEMA.write_text(schema(), encoding="utf-8")
