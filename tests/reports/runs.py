"""Run folders with everything in them that a report can show, made without measuring anything."""

import numpy as np

from harness import modes
from harness.records import (
    Bound,
    CasePlan,
    Control,
    Envelope,
    Growth,
    ModeFidelity,
    PictureDistance,
    PlanFigures,
    PowerCard,
    Probe,
    Rule,
    Run,
    Suite,
    TensorError,
    TrialFidelity,
    TrialResult,
    Verdict,
    WorkerEnvironment,
)
from harness.records.events import Sample
from harness.remark import remark
from harness.runs.summary import summarize
from harness.store.files import slug, write_lines
from harness.store.run_folder import RunFolder
from model import images
from reports.stored_run import Evidence
from tests.builders import MACHINE

_CORES = {"effective_threads": 2, "usable_cores": 2, "load_average": 0.5}
REFERENCE, MIXED = "must_keep_origin_dtype", "allow_mix_precision"


def make_run(folder, case, replicates=2, steps=5, names=(REFERENCE, MIXED), **changes):
    """A run of one case in these modes, stored in `folder`; keywords replace fields of the Run."""
    folder = RunFolder(folder)
    folder.path.mkdir(parents=True, exist_ok=True)
    chosen = [modes.get(name) for name in names]
    suite = Suite(name="tiny", purpose="tests", cases=(case,), modes=chosen, replicates=replicates)
    trials = [
        _trial(folder, case, mode.name, number + 1, steps, float(index))
        for index, mode in enumerate(chosen)
        for number in range(replicates)
    ]
    fields = {
        "id": folder.path.name,
        "suite": suite,
        "device": "cpu",
        "started": "2026-01-02T03:04:05+00:00",
        "complete": True,
        "command": ("bench.py", "--suite", "tiny", "--content", "my photo.png"),
        "environment": MACHINE,
        "trials": trials,
        "summaries": summarize(suite, trials),
        "plans": [CasePlan(case=case.id, mode=name, figures=_plan()) for name in names],
        "fidelity": [_fidelity(case.id, name) for name in names],
        "verdicts": [
            Verdict(gate="plan", case=case.id, mode=names[0], outcome="pass", reason="plan_same"),
            Verdict(
                gate="plan",
                case=case.id,
                mode=names[-1],
                outcome="fail",
                reason="plan_changed",
                details=(remark("plan_casts", before=1, after=2),),
            ),
            Verdict(
                gate="against",
                case=case.id,
                mode=names[0],
                outcome="inconclusive",
                reason="cannot_tell",
                advisory=True,
                **{"effect": 0.03, "low": -0.02, "high": 0.08, "n": 5, "detectable": 0.1},
            ),
        ],
        "growth": [Growth(mode=names[0], quantity="step time", exponent=1, low=0.9, high=1.1, sizes=3, pixels=(1, 9))],
        "power_cards": [_card(case, suite.name)],
        **changes,
    }
    run = Run(**fields)
    folder.save(run)
    return Evidence(run, folder.path)


def _trial(folder, case, mode, replicate, steps, shift):
    trial = f"{case.id}.{mode}.{replicate}"
    home = folder.trial_folder(trial)
    rows, columns = np.mgrid[0:40, 0:48]
    pixels = np.stack([rows * 6, columns * 5, (rows * columns + int(60 * shift)) % 256], axis=-1).astype(np.uint8)
    (home / "picture.png").write_bytes(images.encode(pixels, ".png"))
    samples = [
        Sample(
            updates=index,
            phase="step" if index else "first",
            seconds=0.5 + 0.01 * (index + replicate),
            losses={"content": 1.0, "style": 2.0, "tv": 1.0, "total": 4e6 / (index + 1) + shift},
        )
        for index in range(steps)
    ]
    write_lines(home / "samples.jsonl", samples)
    (home / "log.txt").write_text("hello\n")
    return TrialResult(
        trial=trial,
        case=case.id,
        mode=mode,
        device="cpu",
        replicate=replicate,
        status="ok",
        log=f"trials/{slug(trial)}/log.txt",
        samples=f"trials/{slug(trial)}/samples.jsonl",
        picture=f"trials/{slug(trial)}/picture.png",
        health=f"trials/{slug(trial)}/health.jsonl",
        lost={"gram_relu1_1/MatMul": (3, 2, 1)} if shift else {},
        emulated=bool(shift),
        remarks=(remark("card_refuses", ops=2, type="Conv2D", name="conv1_1"),) if not shift else (),
        started="2026-01-02T03:04:05+00:00",
        wall_seconds=12.0,
        environment=WorkerEnvironment(
            tensorflow="2.21.0",
            kind="cpu",
            device="CPU",
            intra_op_threads=2,
            inter_op_threads=0,
            variables={"A": "b"},
            **_CORES,
        ),
        first_step_seconds=2.5,
        steady=True,
        step_seconds=0.5 + 0.01 * replicate,
        timed_steps=steps - 1,
        final_losses={"total": 8e5},
        true_losses={"total": 9e5 * (1 + 1000 * shift)},
        step_flop=10**11,
        matmul_tflops=0.25,
        peak_memory_bytes=3 * 2**29,
        fidelity=_measured(shift),
    )


def _measured(shift):
    error = TensorError(relative_l2=1e-4, cosine=0.999, max_abs=0.1)
    kinds = ("activation", "gradient", "gram")
    return TrialFidelity(
        probes=[Probe(name=f"relu{n}_1", kind=kind, accumulated=error, norm=1.0) for kind in kinds for n in (1, 2, 3)],
        growth=((1, 1e-5), (2, 1e-4), (5, 1e-3)),
        reported_losses={"total": 8e5},
        true_losses={"total": 9e5 * (1 + 1000 * shift)},
        window=5,
        envelopes=[
            Envelope(noise="float32", distances=(1e-3,) * 3, true_losses=(8.8e5, 9e5, 9.3e5), growth=((1e-5,),) * 3)
        ],
        controls=(Control(fault="no tv loss", distance=0.1),),
        neutral=True,
    )


def _fidelity(case, mode):
    distance = PictureDistance(ssim=0.987, ssim_channels=(0.98, 0.99, 0.985), psnr=31.5)
    is_reference = mode == REFERENCE
    return ModeFidelity(
        case=case,
        mode=mode,
        to_reference=None if is_reference else distance,
        to_baseline=distance,
        headroom={} if is_reference else {"relu1_1 activation": 700.0},
        fitness="fit" if is_reference else "wrong",
        reasons=() if is_reference else (remark("saturates", part=remark("gram_part"), layers=("relu1_1",)),),
        regression="pass",
        regression_reason="as_baseline",
        fit_bounds=(
            Bound(figure=remark("ssim_to_reference"), value=0.987, limit=0.99, at_least=True, ok=is_reference),
        ),
        gateable=is_reference,
    )


def _card(case, suite):
    return PowerCard(
        machine_key="0123456789ab",
        suite=suite,
        case=case.id,
        case_digest=case.digest(),
        mode=REFERENCE,
        device="cpu",
        rule=Rule(confidence=0.95, band=0.02, limit=0.05),
        pairs=5,
        comparisons=40,
        undecided=0,
        false_alarms=1,
        false_alarm_low=0.001,
        false_alarm_high=0.13,
        delay=0.1,
        detections=37,
        detection_low=0.8,
        detection_high=0.98,
        spread=0.03,
        step_seconds=0.5,
        needed_pairs=4,
        run="calibration-1",
        revision="abc",
        packages={},
        date="2026-01-01T00:00:00+00:00",
    )


def _plan():
    return PlanFigures(
        casts=69,
        bytes_cast=9166848,
        units={"cube float16": 41},
        ai_cpu=(),
        refused=(),
        unknown_types=(),
        flop=10**11,
        roofline_seconds=8.6e-4,
        layers={"conv1_1": "Conv2D 16,16,16>16", "Adam": "Assign 32,32>32", "style_loss": "L2Loss 16>32; Mul 16,16>16"},
    )
