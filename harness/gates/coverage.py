"""The gate of coverage: is everything measured that should be?"""

from typing import List

from harness.gates.timing_rule import undecided
from harness.records import Case, Mode, Outcome, Run, Verdict
from harness.remark import remark
from harness.store.baselines import Baselines


def judge_coverage(run: Run, case: Case, mode: Mode) -> Verdict:
    """Judge whether all planned replicates of a case in a mode have run and ended well."""
    found = run.trials_of(case.id, mode.name, status=None)
    bad = tuple(
        remark("trial_failed", trial=trial.trial, status=remark(trial.status), reason=trial.reason)
        for trial in found
        if trial.status != "ok"
    )
    replicates = run.suite.least(found)
    absent = replicates - len(found)
    if absent > 0:
        bad += (remark("replicates_not_run", absent=absent, replicates=replicates),)
    outcome: Outcome = "missing" if bad else "pass"
    reason = "not_measured" if bad else "all_measured"
    return Verdict(gate="coverage", case=case.id, mode=mode.name, outcome=outcome, reason=reason, details=bad)


def not_in_run(run: Run, baselines: Baselines) -> List[Verdict]:
    """Say which cases and modes have a baseline and were no part of the run; options may have left them out."""
    expected = {(case.id, mode.name) for case, mode in run.pairs}
    stored = [(baseline.case, baseline.mode.name) for baseline in baselines.load_all(run.suite.name)]
    return [
        undecided("coverage", case, mode, "not_in_run", "not_in_run", outcome="missing")
        for case, mode in dict.fromkeys(stored)
        if (case, mode) not in expected
    ]
