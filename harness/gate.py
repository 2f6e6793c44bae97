"""Run x Baselines -> Verdicts."""

import dataclasses
import os
from typing import Dict, List, NamedTuple, Sequence, Tuple

from harness import environment
from harness.errors import UsageError
from harness.plans import differences
from harness.records import Baseline, Case, CasePlan, Mode, Run, TrialResult, Verdict
from harness.store import Baselines


class Reason(NamedTuple):
    """What a reason code means: what happened, and what to do."""

    happened: str
    advice: str = ""


REASONS: Dict[str, Reason] = {
    "plan_same": Reason("the dtype plan is the approved one"),
    "plan_changed": Reason(
        "the dtype plan is not the approved one",
        "if the change is meant, approve it: python bench.py approve RUN --changed --reason TEXT",
    ),
    "no_baseline": Reason(
        "no baseline is stored", "approve this one: python bench.py approve RUN --missing --reason TEXT"
    ),
    "other_case": Reason(
        "the stored baseline is of another case: pictures, size, steps, settings, network or seed differ",
        "run the suite as it is stored, or approve the new case: python bench.py approve RUN --changed --reason TEXT",
    ),
    "other_mode": Reason(
        "the stored baseline is of a mode with other options",
        "use the stored options, or approve the new ones: python bench.py approve RUN --changed --reason TEXT",
    ),
    "bad_baseline": Reason("the stored baseline cannot be read", "restore it from version control"),
    "slower": Reason("the step is slower than in base", "look at what changed since, or accept it knowingly"),
    "faster": Reason("the step is faster than in base"),
    "equal": Reason("the step is as fast as in base"),
    "cannot_tell": Reason(
        "too noisy to tell",
        "measure more pairs (--pairs), or on a quieter machine; this is neither a pass nor a failure",
    ),
    "all_measured": Reason("every replicate ended well"),
    "not_measured": Reason("not every replicate ended well", "see the failed trials and their logs"),
}
_EXIT = {"pass": 0, "fail": 1, "inconclusive": 3, "missing": 4}
_WORST_FIRST = (1, 4, 3, 0)


def judge(run: Run, baselines: Baselines) -> List[Verdict]:
    """Judge every case in every mode: are its results all there, and is its dtype plan the approved one."""
    plans = {(plan.case, plan.mode): plan for plan in run.plans}
    verdicts = []
    for case in run.suite.cases:
        for mode in run.suite.modes:
            if not run.plan_only:
                verdicts.append(_judge_coverage(run.trials, case, mode, run.suite.replicates))
            verdicts.append(_judge_plan(run.suite.name, case, mode, plans[case.id, mode.name], baselines))
    return verdicts


def exit_status(verdicts: Sequence[Verdict]) -> int:
    """0 pass, 1 a gate failed, 3 inconclusive, 4 baseline missing or incomparable; the worst wins: 1, 4, 3, 0.

    Nothing judged is 4: it is never a pass. Advisory verdicts do not count.
    """
    found = {_EXIT[verdict.outcome] for verdict in verdicts if not verdict.advisory} or {4}
    return next(status for status in _WORST_FIRST if status in found)


def _judge_coverage(trials: Sequence[TrialResult], case: Case, mode: Mode, replicates: int) -> Verdict:
    found = [trial for trial in trials if (trial.case, trial.mode) == (case.id, mode.name)]
    bad = tuple(f"{trial.trial}: {trial.status}: {trial.reason}" for trial in found if trial.status != "ok")
    absent = replicates - len(found)
    if absent > 0:
        bad += (f"{absent} of {replicates} replicates were not run",)
    outcome, reason = ("missing", "not_measured") if bad else ("pass", "all_measured")
    return Verdict(gate="coverage", case=case.id, mode=mode.name, outcome=outcome, reason=reason, details=bad)


def _judge_plan(suite: str, case: Case, mode: Mode, plan: CasePlan, baselines: Baselines) -> Verdict:
    outcome, reason, details = _compare_plan(suite, case, mode, plan, baselines)
    return Verdict(gate="plan", case=case.id, mode=mode.name, outcome=outcome, reason=reason, details=tuple(details))


def _compare_plan(
    suite: str, case: Case, mode: Mode, plan: CasePlan, baselines: Baselines
) -> Tuple[str, str, Sequence[str]]:
    try:
        baseline = baselines.load(suite, case.id, mode.name)
    except UsageError as error:
        return "missing", "bad_baseline", [str(error)]
    if baseline is None:
        return "missing", "no_baseline", [f"looked for {baselines.path(suite, case.id, mode.name)}"]
    if baseline.case_digest != case.digest():
        return "missing", "other_case", []
    if baseline.mode != mode:
        return "missing", "other_mode", []
    changes = differences(baseline.plan, plan.figures)
    return ("fail", "plan_changed", changes) if changes else ("pass", "plan_same", [])


# Approval


class Proposal(NamedTuple):
    """A baseline to be written, and what it changes."""

    baseline: Baseline
    kind: str
    """`missing` or `changed`."""
    changes: Tuple[str, ...]


def propose(run: Run, baselines: Baselines, reason: str) -> List[Proposal]:
    """Return the baselines that this run would write; what is as approved is left out.

    Raises:
        UsageError: the run has no plans, is incomplete, or has a trial that did not end well.
    """
    if not run.plans:
        raise UsageError(f"run {run.id}: it holds no plans to approve (run the suite with --gate)")
    bad = [trial.trial for trial in run.trials if trial.status != "ok"]
    if bad or not run.complete:
        what = f"trial {bad[0]} did not end well" if bad else "it was interrupted"
        raise UsageError(f"run {run.id}: {what}; only a run without failures can be approved")
    cases = {case.id: case for case in run.suite.cases}
    modes = {mode.name: mode for mode in run.suite.modes}
    proposals = []
    for plan in run.plans:
        case, mode = cases[plan.case], modes[plan.mode]
        outcome, code, changes = _compare_plan(run.suite.name, case, mode, plan, baselines)
        if outcome != "pass":
            kind = "missing" if code == "no_baseline" else "changed"
            told = () if kind == "missing" else (REASONS[code].happened, *changes)
            proposals.append(Proposal(_baseline(run, case, mode, plan, reason), kind, told))
    return proposals


def approve(proposals: Sequence[Proposal], baselines: Baselines) -> List[str]:
    """Write the proposed baselines and return their paths; raises UsageError in CI, which never writes baselines."""
    if os.environ.get("CI", "").lower() not in ("", "0", "false"):
        raise UsageError("approve: CI never writes baselines (the variable CI is set)")
    return [str(baselines.save(proposal.baseline)) for proposal in proposals]


def _baseline(run: Run, case: Case, mode: Mode, plan: CasePlan, reason: str) -> Baseline:
    return Baseline(
        suite=run.suite.name,
        case=case.id,
        case_digest=case.digest(),
        mode=_without_paths(mode),
        plan=plan.figures,
        run=run.id,
        revision=run.environment.revision,
        packages=run.environment.packages,
        reason=reason,
        date=environment.now(),
    )


def _without_paths(mode: Mode) -> Mode:
    """The mode without the paths its options were read from, which are one machine's."""
    entries = tuple(dataclasses.replace(entry, source="") for entry in mode.precision.custom_dtypes)
    return mode.model_copy(update={"precision": dataclasses.replace(mode.precision, custom_dtypes=entries)})
