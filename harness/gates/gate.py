"""Run x Baselines -> Verdicts."""

from pathlib import Path
from typing import List

from harness.fidelity import assessment
from harness.gates import pictures
from harness.gates.coverage import judge_coverage, not_in_run
from harness.gates.plan import judge_plan
from harness.gates.power_card import Cards
from harness.gates.timing import judge_timings
from harness.records import Run, Verdict
from harness.store.baselines import Baselines


def judged(run: Run, baselines: Baselines, folder: Path, require_fit: bool = False) -> Run:
    """Return the run, whose folder this is, with its verdicts and what they rest on: fidelity and power cards.

    Args:
        require_fit: a mode that is not fit fails; else that is only shown.
    """
    if run.suite.fidelity and not run.plan_only:
        run = run.model_copy(update={"fidelity": assessment.assess(run, folder, baselines)})
        return run.model_copy(update={"verdicts": judge(run, baselines, require_fit)})
    cards = Cards(baselines).current(run.environment.machine_key, run.suite.name, run.suite.cases, run.suite.limits)
    return run.model_copy(update={"verdicts": judge(run, baselines), "power_cards": cards})


def judge(run: Run, baselines: Baselines, require_fit: bool = False) -> List[Verdict]:
    """Judge every case in every mode: are its results all there, is its dtype plan the approved one, have its times
    and its memory grown; of a suite that measures fidelity instead, is its picture the approved one, and is it right.
    """
    verdicts: List[Verdict] = []
    for case, mode in run.pairs:
        if not run.plan_only:
            verdicts.append(judge_coverage(run, case, mode))
        plan = run.plan_of(case.id, mode.name)
        # A suite of fidelity has baselines of pictures; those of plans are other suites'.
        if plan is not None and (run.plan_only or not run.suite.fidelity):
            verdicts.append(judge_plan(run.suite.name, case, mode, plan, baselines))
    absent = not_in_run(run, baselines) if run.has_baselines else []
    if run.suite.fidelity:
        return verdicts + pictures.verdicts(run, require_fit) + absent
    return verdicts + judge_timings(run, baselines) + absent
