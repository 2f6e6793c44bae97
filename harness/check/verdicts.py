"""What a check comes to: a verdict on every mode."""

from typing import Dict, Tuple

from harness.records import GraphCheck, Outcome, Verdict

_OUTCOMES: Dict[str, Outcome] = {"fit": "pass", "wrong": "fail", "not_judged": "inconclusive"}


def fitness_verdicts(check: GraphCheck, require_fit: bool) -> Tuple[Verdict, ...]:
    """Say of every mode whether what it computes is right; that gates only when it is required."""
    return tuple(
        Verdict(
            gate="fitness",
            case=check.graph,
            mode=found.mode.name,
            outcome=_OUTCOMES[found.fitness],
            reason=f"graph_{found.fitness}",
            details=found.reasons,
            advisory=not require_fit,
            advisory_reason=None if require_fit else "fitness_shown",
        )
        for found in check.modes
    )
