"""The accuracy suite's own gating case, forty times over, each time harmlessly different."""

import pytest

import suites
from harness.gates import approval, gate
from harness.records import Trial
from harness.runs import runner
from harness.store.baselines import Baselines
from harness.store.run_folder import RunFolder
from harness.trial.supervisor import run_trial

pytestmark = pytest.mark.slow

TWINS = 40
MOST_FAILURES = 1
MODES = ("must_keep_origin_dtype", "allow_mix_precision+matmul32")
ONE_ULP = 1e-7
"""Share of noise in the start: it moves a pixel by about a unit in the last place."""


def test_of_forty_healthy_twins_at_most_one_fails(tmp_path, monkeypatch):
    """Every twin starts from another noise, every other one computes in a single thread."""
    monkeypatch.delenv("CI", raising=False)
    suite = suites.get("accuracy")
    modes = tuple(mode for mode in suite.modes if mode.name in MODES)
    suite = suite.model_copy(update={"cases": suite.cases[:1], "modes": modes})
    healthy, folder = runner.run_suite(suite, "cpu", tmp_path, "", runner.Observer())
    baselines = Baselines(tmp_path / "baselines")
    clean = healthy.environment.model_copy(update={"revision": "0" * 40})
    healthy = gate.judged(healthy.model_copy(update={"environment": clean}), baselines, folder)
    approval.approve(approval.propose(healthy, baselines, "the first", folder), baselines)

    failures = []
    for number in range(TWINS):
        mode = modes[number // 2 % 2]
        with monkeypatch.context() as patch:
            if number % 2:
                patch.setenv("TF_NUM_INTRAOP_THREADS", "1")
            run = _with_twin(healthy, _twin(healthy, mode, number, folder))
        verdicts = gate.judged(run, baselines, folder).verdicts
        (verdict,) = [found for found in verdicts if (found.gate, found.mode) == ("regression", mode.name)]
        print(number, mode.name, verdict.outcome, verdict.details)
        if verdict.outcome != "pass":
            failures.append((number, mode.name, verdict.details))
    assert len(failures) <= MOST_FAILURES, failures


def _twin(healthy, mode, number, folder):
    home = RunFolder(folder)
    (case,) = healthy.suite.cases
    trial_id = f"twin-{number}"
    trial = Trial(
        id=trial_id,
        case=case.model_copy(update={"noise_blend": ONE_ULP, "seed": number}),
        mode=mode,
        device="cpu",
        replicate=1,
        picture=str(home.trial_folder(trial_id) / "picture.png"),
        cache="",
        fidelity=healthy.suite.fidelity,
    )
    result = run_trial(trial, home, 600.0, lambda event: None)
    assert result.status == "ok", result.reason
    return result


def _with_twin(healthy, twin):
    """The healthy run with the twin in its mode's place; what noise does was measured once, for all of them."""
    trials = []
    for trial in healthy.trials:
        if trial.mode == twin.mode:
            known = {"envelopes": trial.fidelity.envelopes, "controls": trial.fidelity.controls}
            trial = twin.model_copy(update={"fidelity": twin.fidelity.model_copy(update=known)})
        trials.append(trial)
    return healthy.model_copy(update={"trials": trials})
