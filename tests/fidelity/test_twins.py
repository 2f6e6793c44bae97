"""The accuracy suite's own cases, forty times over, each time harmlessly different."""

import pytest

import suites
from harness.gates import approval, gate
from harness.records import Trial
from harness.runs import runner
from harness.runs.observer import Observer
from harness.store.baselines import Baselines
from harness.store.run_folder import RunFolder
from harness.trial.supervisor import run_trial

pytestmark = pytest.mark.slow

TWINS = 40
MOST_FAILURES = 1
MODES = ("must_keep_origin_dtype", "allow_mix_precision+matmul32")


def test_of_forty_healthy_twins_at_most_one_fails(tmp_path, monkeypatch):
    """Every twin starts some units in the last place off, every other one computes in a single thread."""
    monkeypatch.delenv("CI", raising=False)
    suite = suites.get("accuracy")
    suite = suite.model_copy(update={"modes": tuple(mode for mode in suite.modes if mode.name in MODES)})
    healthy, folder = runner.run_suite(suite, "cpu", tmp_path, "", Observer())
    baselines = Baselines(tmp_path / "baselines")
    clean = healthy.environment.model_copy(update={"revision": "0" * 40})
    healthy = gate.judged(healthy.model_copy(update={"environment": clean}), baselines, folder)
    approval.approve(approval.propose(healthy, baselines, "the first", folder), baselines)

    failures, unfit = [], []
    for number in range(TWINS):
        case, mode = healthy.suite.cases[number // 2 % 2], healthy.suite.modes[number // 4 % 2]
        with monkeypatch.context() as patch:
            if number % 2:
                patch.setenv("TF_NUM_INTRAOP_THREADS", "1")
            run = _with_twin(healthy, _twin(healthy, case, mode, number, folder))
        run = gate.judged(run, baselines, folder)
        (item,) = [found for found in run.fidelity if (found.case, found.mode) == (case.id, mode.name)]
        print(number, case.id, mode.name, item.regression, item.regression_details, item.fitness, item.reasons)
        if item.regression != "pass":
            failures.append((number, case.id, mode.name, item.regression_details))
        if item.fitness != "fit":
            unfit.append((number, case.id, mode.name, item.reasons))
    assert len(failures) <= MOST_FAILURES, failures
    assert not unfit


def _almost(case, number):
    """The case with a start that differs by some units in the last place, in each twin by another amount."""
    if case.initial == "noise":
        return case.model_copy(update={"initial": "content", "noise_blend": 1 - 1e-10 * (number + 1)})
    return case.model_copy(update={"noise_blend": case.noise_blend * (1 + 1e-7 * (number + 1))})


def _twin(healthy, case, mode, number, folder):
    home = RunFolder(folder)
    trial_id = f"twin-{number}"
    trial = Trial(
        id=trial_id,
        case=_almost(case, number),
        mode=mode,
        device="cpu",
        replicate=1,
        picture=str(home.trial_folder(trial_id) / "picture.png"),
        cache="",
        # What noise does is known from the healthy run.
        fidelity=healthy.suite.fidelity.model_copy(update={"envelope": 3}),
    )
    result = run_trial(trial, home, 3600.0, lambda event: None)
    assert result.status == "ok", result.reason
    return result


def _with_twin(healthy, twin):
    """The healthy run with the twin in its mode's place; what noise does was measured once, for all of them."""
    trials = []
    for trial in healthy.trials:
        if (trial.case, trial.mode) == (twin.case, twin.mode):
            known = {name: getattr(trial.fidelity, name) for name in ("spread", "envelopes", "controls")}
            trial = twin.model_copy(update={"fidelity": twin.fidelity.model_copy(update=known)})
        trials.append(trial)
    return healthy.model_copy(update={"trials": trials})
