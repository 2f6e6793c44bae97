"""Run x Baselines -> ModeFidelity: is each picture still the approved one, and is it right.

Two answers that do not depend on each other. Regression: no worse than the stored baseline. Fitness: no further from
the reference mode's picture than harmless noise moves it.
"""

from pathlib import Path
from typing import List

from harness.fidelity.fitness import judge_fitness
from harness.fidelity.regression import judge_regression
from harness.fidelity.subject import Subject, is_faster, is_gateable
from harness.records import ModeFidelity, Run
from harness.store.baselines import Baselines


def assess(run: Run, folder: Path, baselines: Baselines) -> List[ModeFidelity]:
    """Judge the fidelity of every case in every mode of a run in `folder`."""
    return [
        _assess(Subject(run, folder, case, mode), baselines) for case in run.suite.cases for mode in run.suite.modes
    ]


def _assess(subject: Subject, baselines: Baselines) -> ModeFidelity:
    compared = judge_regression(subject, baselines)
    fit, reasons, bounds, distance = judge_fitness(subject)
    return ModeFidelity(
        case=subject.case.id,
        mode=subject.mode.name,
        to_reference=distance,
        to_baseline=compared.distance,
        baseline_picture=compared.picture,
        headroom=subject.headroom(),
        fitness=fit,
        reasons=tuple(reasons),
        fit_bounds=tuple(bounds),
        regression=compared.outcome,
        regression_reason=compared.reason,
        regression_details=compared.details,
        regression_bounds=compared.bounds,
        faster=is_faster(subject),
        gateable=is_gateable(subject),
    )
