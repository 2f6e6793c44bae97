"""The gates of pictures: regression and fitness as verdicts."""

from typing import Dict, List

from harness.records import Outcome, Run, Verdict


def verdicts(run: Run, require_fit: bool) -> List[Verdict]:
    """What the gates say of the run's fidelity; fitness counts only when it is required.

    Of cases that no baseline is of there is fitness alone.
    """
    advisory = {case.id for case in run.suite.cases if case.advisory}
    outcomes: Dict[str, Outcome] = {"fit": "pass", "wrong": "fail", "not_judged": "inconclusive"}
    found = []
    for item in run.fidelity:
        chaotic = "advisory_case" if item.case in advisory else None
        if run.has_baselines:
            found.append(
                Verdict(
                    gate="regression",
                    case=item.case,
                    mode=item.mode,
                    outcome=item.regression,
                    reason=item.regression_reason,
                    details=item.regression_details,
                    advisory=chaotic is not None,
                    advisory_reason=chaotic,
                )
            )
        shown = chaotic or (None if require_fit else "fitness_shown")
        found.append(
            Verdict(
                gate="fitness",
                case=item.case,
                mode=item.mode,
                outcome=outcomes[item.fitness],
                reason=item.fitness,
                details=item.reasons,
                advisory=shown is not None,
                advisory_reason=shown,
            )
        )
    return found
