import io

import pytest
from rich.console import Console

from harness.modes import get
from harness.records import (
    Case,
    Environment,
    FidelityPlan,
    Inputs,
    ModeFidelity,
    PictureDistance,
    Probe,
    Run,
    Suite,
    TensorError,
    TrialFidelity,
    TrialResult,
)
from harness.remark import remark
from reports.terminal.fidelity import print_fidelity

SATURATES = remark("saturates", part=remark("gram_part"), layers=("relu1_1",))
MODES = ("must_keep_origin_dtype", "allow_mix_precision+matmul32", "allow_mix_precision")


def show(print_it, *what, width=80):
    console = Console(file=io.StringIO(), width=width, color_system=None)
    print_it(*what, console=console)
    return console.file.getvalue()


@pytest.fixture
def run():
    read = Inputs(content_sha256="0", styles_sha256=("1",), network_sha256="2", height=64, width=64)
    case = Case(id="portrait-64", content="a.png", styles=("b.png",), steps=5, inputs=read)
    distance = PictureDistance(ssim=0.98765, ssim_channels=(0.9, 0.9, 0.9), psnr=31.4)
    error = TensorError(relative_l2=0.5, cosine=0.9, max_abs=3.0)
    probe = Probe(name="relu4_1", kind="gradient", accumulated=error, local=error, norm=1.0, saturated=1234)
    losses = {"total": 12345.0}
    measured = TrialFidelity(probes=(probe,), reported_losses=losses, true_losses=losses, window=2)
    outcomes = dict(zip(MODES, ("fit", "not_judged", "wrong")))
    return Run(
        id="accuracy-1",
        suite=Suite(
            name="accuracy",
            purpose="tests",
            cases=(case,),
            modes=[get(mode) for mode in MODES],
            replicates=1,
            fidelity=FidelityPlan(),
        ),
        device="cpu",
        started="2026-01-01T00:00:00+00:00",
        complete=True,
        environment=Environment.model_construct(),
        trials=[
            TrialResult(
                trial=mode,
                case=case.id,
                mode=mode,
                device="cpu",
                replicate=1,
                status="ok",
                log="log.txt",
                samples="samples.jsonl",
                started="2026-01-01T00:00:00+00:00",
                wall_seconds=1.0,
                fidelity=measured,
            )
            for mode in MODES
        ],
        fidelity=[
            ModeFidelity(
                case=case.id,
                mode=mode,
                to_reference=distance,
                fitness=fitness,
                reasons=(SATURATES,) if fitness == "wrong" else (),
                regression="missing",
                regression_reason="no_baseline",
            )
            for mode, fitness in outcomes.items()
        ],
    )


@pytest.mark.parametrize("width", [60, 80, 120])
def test_what_is_wrong_comes_first_and_all_fits(run, width):
    text = show(print_fidelity, run, width=width)
    rows = [line.split() for line in text.splitlines() if line.startswith(MODES)]
    assert [row[0] for row in rows[:3]] == [MODES[2], MODES[1], MODES[0]]
    assert rows[0][1:] == ["wrong", "0.9877", "31.4"]  # nothing was held against a baseline
    assert "1,234" in text
    assert all(len(line) <= width for line in text.splitlines())


def test_noise_that_was_not_measured_again_is_said_to_be_of_the_approved_run(run):
    assert "approved (" not in show(print_fidelity, run, width=200)
    trials = [
        trial.model_copy(update={"fidelity": trial.fidelity.model_copy(update={"noise_of": "accuracy-0"})})
        for trial in run.trials
    ]
    text = show(print_fidelity, run.model_copy(update={"trials": trials}), width=200)
    assert "have their noise from when they were approved (accuracy-0)." in " ".join(text.split())
