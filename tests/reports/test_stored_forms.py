import json
import subprocess
import sys

import jsonschema
import pydantic
import pytest

from harness.records import FidelityPlan
from reports.documents import pytest_benchmark, run_json
from reports.language import ENGLISH
from tests.reports.runs import MIXED, REFERENCE


@pytest.mark.skipif(pydantic.VERSION.startswith("2.5"), reason="an older pydantic spells the same schema differently")
def test_the_published_schema_is_that_of_the_records():
    message = "records have changed: python -m reports.documents.run_json"
    assert run_json.SCHEMA.read_text(encoding="utf-8") == run_json.schema(), message


def test_a_run_is_valid_by_the_published_schema(evidence):
    schema = json.loads(run_json.SCHEMA.read_text(encoding="utf-8"))
    document = json.loads(evidence.record.read_bytes())
    jsonschema.validate(document, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**document, "trials": [{}]}, schema)


def test_pytest_benchmark_compares_our_runs(evidence, tmp_path):
    for name in ("0001_base.json", "0002_head.json"):
        (tmp_path / name).write_bytes(pytest_benchmark.render(evidence, ENGLISH))
    command = [sys.executable, "-m", "pytest_benchmark", "compare", "--csv", str(tmp_path / "out.csv")]
    done = subprocess.run(
        [*command, str(tmp_path / "0001_base.json"), str(tmp_path / "0002_head.json")],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=str(tmp_path),
    )
    assert done.returncode == 0, done.stdout
    assert f"small[{REFERENCE}]" in done.stdout and f"small[{MIXED}-emulated]" in done.stdout
    rows = [line.split(",") for line in (tmp_path / "out.csv").read_text().splitlines()]
    medians = {row[0]: float(row[rows[0].index("median")]) for row in rows[1:]}
    assert medians and all(abs(value - 0.515) < 1e-6 for value in medians.values())


def test_a_mode_without_a_time_is_no_benchmark(evidence):
    summaries = [summary.model_copy(update={"ok": 0}) for summary in evidence.run.summaries]
    none = evidence._replace(run=evidence.run.model_copy(update={"trials": [], "summaries": summaries}))
    assert json.loads(pytest_benchmark.render(none, ENGLISH))["benchmarks"] == []


def test_times_taken_in_passing_are_no_benchmarks(evidence):
    suite = evidence.run.suite.model_copy(update={"fidelity": FidelityPlan()})
    judged = evidence._replace(run=evidence.run.model_copy(update={"suite": suite}))
    assert json.loads(pytest_benchmark.render(judged, ENGLISH))["benchmarks"] == []
