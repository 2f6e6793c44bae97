"""What a run says, for another program: verdicts and table as one JSON document on standard output."""

import json
from typing import Any, Dict, Sequence

from harness.records import SCHEMA_VERSION, Run, Verdict
from reports.decision import Decision, decisions
from reports.findings import sentences
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
        "findings": [sentence.text for sentence in sentences(run, words)],
        "verdicts": [_verdict(verdict, words) for verdict in run.verdicts],
        "table": [_row(run, decision, words) for decision in decisions(run)],
    }
    if evidence.choice is not None:
        document["ready"] = [each.model_dump(mode="json") for each in evidence.choice.ready]
    _print(document)


def print_comparison(first: Run, second: Run, verdicts: Sequence[Verdict], status: int, words: Words = ENGLISH) -> None:
    """Print the document on two stored runs on standard output: what each has of every case and mode, and the verdicts.

    Args:
        status: the exit status that the command ends with.
    """
    pairs = dict.fromkeys((case.id, mode.name) for run in (first, second) for case, mode in run.pairs)
    _print(
        {
            "schema_version": SCHEMA_VERSION,
            "first_run": first.id,
            "second_run": second.id,
            "exit_status": status,
            "verdicts": [_verdict(verdict, words) for verdict in verdicts],
            "table": [
                {"case": case, "mode": mode, "first": _known(first, case, mode), "second": _known(second, case, mode)}
                for case, mode in pairs
            ],
        }
    )


def _print(document: Dict[str, Any]) -> None:
    open_console().file.write(json.dumps(document, indent=1) + "\n")


def _verdict(verdict: Verdict, words: Words) -> Dict[str, Any]:
    said = words.reason(verdict.reason).happened
    return {
        **verdict.model_dump(mode="json", exclude={"details"}),
        "text": said,
        "details": list(map(words.remark, verdict.details)),
    }


def _row(run: Run, decision: Decision, words: Words) -> Dict[str, Any]:
    """What is known of a case in a mode: the decision, figures, and dtype plan; null where it was not measured."""
    return {
        "case": decision.case,
        "mode": decision.mode,
        "right": {"fit": True, "wrong": False}.get(decision.fitness),
        "why": list(map(words.remark, decision.why)),
        **_known(run, decision.case, decision.mode),
    }


def _known(run: Run, case: str, mode: str) -> Dict[str, Any]:
    """Figures, dtype plan and likeness to the reference mode's picture; null where it was not measured."""
    summary, plan, judged = run.summary_of(case, mode), run.plan_of(case, mode), run.fidelity_of(case, mode)
    measured = summary if summary and summary.ok else None
    near = judged.to_reference if judged else None
    return {
        "summary": measured.model_dump(mode="json", exclude={"case", "mode", "remarks", "unmet"}) if measured else None,
        "plan": plan.model_dump(mode="json", exclude={"layers", "units"}) if plan else None,
        "ssim_to_reference": near.ssim if near else None,
    }
