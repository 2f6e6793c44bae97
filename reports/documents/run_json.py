"""The record itself, and the JSON Schema of it that other programs can rely on."""

import json
from pathlib import Path

from harness.records import Run
from harness.store.files import write_atomic
from reports.language import Words
from reports.stored_run import Evidence

SCHEMA = Path(__file__).resolve().parent.parent / "run.schema.json"


class RecordExporter:
    """Copies run.json or, of a comparison, comparison.json; the language changes nothing in it."""

    def check(self) -> None:
        """Nothing is needed but the folder."""

    def write(self, evidence: Evidence, folder: Path, words: Words) -> Path:
        """Write the record unless it is the file that is there already."""
        path = folder / evidence.record.name
        if not (path.exists() and path.samefile(evidence.record)):
            write_atomic(path, evidence.record.read_bytes())
        return path


EXPORTER = RecordExporter()


def schema() -> str:
    """Return the JSON Schema of run.json; reports/run.schema.json holds it."""
    document = {"$schema": "https://json-schema.org/draft/2020-12/schema", **Run.model_json_schema()}
    return json.dumps(document, indent=1, sort_keys=True) + "\n"


if __name__ == "__main__":  # python -m reports.documents.run_json, after a record has changed
    SCHEMA.write_text(schema(), encoding="utf-8")
