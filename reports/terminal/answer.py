"""What a run says, for another program: verdicts and table as one JSON document on standard output."""

import json
from typing import Any, Dict

from harness.records import SCHEMA_VERSION, Case, Mode, Run, Verdict
from reports.language import ENGLISH, Words
from reports.stored_run import Evidence
from reports.terminal.console import open_console


def print_answer(evidence: Evidence, status: int, words: Words = ENGLISH) -> None:
    """Print the document on standard output.

    Args:
        status: the exit status that the command ends with.
    """
    run = evidence.run
    document = {
        "schema_version": SCHEMA_VERSION,
        "run": run.id,
        "record": str(evidence.record),
        "suite": run.suite.name,
        "complete": run.complete,
        "exit_status": status,
        "verdicts": [_verdict(verdict, words) for verdict in run.verdicts],
        "table": [_row(run, case, mode, words) for case, mode in run.pairs],
    }
    open_console().file.write(json.dumps(document, indent=1) + "\n")


def _verdict(verdict: Verdict, words: Words) -> Dict[str, Any]:
    said = words.reason(verdict.reason).happened
    return {
        **verdict.model_dump(mode="json", exclude={"details"}),
        "text": said,
        "details": list(map(words.remark, verdict.details)),
    }


def _row(run: Run, case: Case, mode: Mode, words: Words) -> Dict[str, Any]:
    """What is known of a case in a mode: figures, dtype plan, and the picture; null where it was not measured."""
    summary, plan = run.summary_of(case.id, mode.name), run.plan_of(case.id, mode.name)
    judged = run.fidelity_of(case.id, mode.name)
    measured = summary if summary and summary.ok else None
    near = judged.to_reference if judged else None
    return {
        "case": case.id,
        "mode": mode.name,
        "summary": measured.model_dump(mode="json", exclude={"case", "mode", "remarks", "unmet"}) if measured else None,
        "plan": plan.model_dump(mode="json", exclude={"layers", "units"}) if plan else None,
        "picture": {
            "fitness": judged.fitness,
            "reasons": list(map(words.remark, judged.reasons)),
            "ssim_to_reference": near.ssim if near else None,
        }
        if judged
        else None,
    }
