"""Runs of the accuracy suite's kind, small and made in this process."""

import platform
import time
from pathlib import Path

from harness import modes
from harness.gates import gate
from harness.machine import environment
from harness.records import Environment, FidelityPlan, Run, Suite, Trial, TrialResult
from harness.records.events import Finished, Health, Planned, Started
from harness.trial import worker

PLAN = FidelityPlan(envelope=4, window=2, growth=(1, 2, 5))
REFERENCE, PLAIN, MENDED = "must_keep_origin_dtype", "allow_mix_precision", "allow_mix_precision+matmul32"


def make_run(case, folder, names=(REFERENCE,), plan=PLAN, formats=("float32", "float16")):
    """Run the case once in each mode; the run's folder holds its pictures."""
    suite = Suite(
        name="tiny",
        purpose="tests",
        cases=(case,),
        modes=[modes.get(name) for name in names],
        replicates=1,
        fidelity=plan,
    )
    return Run(
        id=folder.name,
        suite=suite,
        device="cpu",
        started=environment.now(),
        complete=True,
        environment=_environment(),
        trials=[_trial(case, modes.get(name), folder, plan, formats) for name in names],
    )


def judged(run, folder, baselines, **options):
    return gate.judged(run, baselines, folder, **options)


def _trial(case, mode, folder, plan, formats):
    path, events = folder / f"{mode.name}.png", []
    trial = Trial(
        id=f"{case.id}.{mode.name}.1",
        case=case,
        mode=mode,
        device="cpu",
        replicate=1,
        picture=str(path),
        cache="",
        fidelity=plan,
        envelopes=formats if mode.name == REFERENCE else (),
        oracle=str(Path(folder) / "oracle.npz"),
    )
    worker.run_trial(trial, events.append, time.monotonic())
    begun, planned = (next(e for e in events if isinstance(e, kind)) for kind in (Started, Planned))
    lost = {}
    for event in events:
        for op, counts in event.counts.items() if isinstance(event, Health) else ():
            lost[op] = tuple(a + b for a, b in zip(lost.get(op, (0, 0, 0)), counts))
    done = events[-1]
    assert isinstance(done, Finished), done
    return TrialResult(
        trial=trial.id,
        case=case.id,
        mode=mode.name,
        device="cpu",
        replicate=1,
        status="ok",
        log="log.txt",
        samples="samples.jsonl",
        picture=path.name,
        lost=lost,
        emulated=planned.emulated,
        started=environment.now(),
        wall_seconds=1.0,
        environment=begun.environment,
        final_losses=done.final_losses,
        true_losses=done.true_losses,
        fidelity=done.fidelity,
    )


def _environment():
    machine = environment.describe().model_dump()
    return Environment(**{**machine, "revision": "0" * 40, "python": platform.python_version()})
