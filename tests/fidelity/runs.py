"""Runs of the accuracy suite's kind, small and made in this process."""

import time
from pathlib import Path

from harness import modes
from harness.gates import gate
from harness.machine import environment
from harness.records import FidelityPlan, Run, Suite, Trial, TrialResult
from harness.records.events import Finished, Health, Planned, Started
from harness.trial import worker
from tests.builders import MACHINE

PLAN = FidelityPlan(envelope=4, window=2, growth=(1, 2, 5))
REFERENCE, PLAIN, MENDED = "must_keep_origin_dtype", "allow_mix_precision", "allow_mix_precision+matmul32"


def make_run(case, folder, names=(REFERENCE,), plan=PLAN, formats=("float32", "float16"), baselines=""):
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
        environment=MACHINE.model_copy(update={"revision": "0" * 40}),
        trials=[_trial(case, modes.get(name), folder, plan, formats, baselines=baselines) for name in names],
    )


def judged(run, folder, baselines, **options):
    return gate.judged(run, baselines, folder, **options)


def redrawn(run, folder, mode, name):
    """The run with its trial in this mode made anew, whatever is wrong by now; what noise does was measured before."""
    (case,) = run.suite.cases
    trial = _trial(case, modes.get(mode), folder, run.suite.fidelity, (), name)
    trials = []
    for healthy in run.trials:
        if healthy.mode == mode:
            known = {"envelopes": healthy.fidelity.envelopes, "controls": healthy.fidelity.controls}
            healthy = trial.model_copy(update={"fidelity": trial.fidelity.model_copy(update=known)})
        trials.append(healthy)
    return run.model_copy(update={"trials": trials})


def _trial(case, mode, folder, plan, formats, name=None, baselines=""):
    path, events = folder / f"{name or mode.name}.png", []
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
        # What is redrawn has an oracle with the same fault, which all modes share.
        oracle=str(Path(folder) / f"{name or 'healthy'}.npz"),
        suite="tiny",
        baselines=baselines,
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
        picture_sha256=done.picture_sha256,
        lost=lost,
        emulated=planned.emulated,
        started=environment.now(),
        wall_seconds=1.0,
        environment=begun.environment,
        final_losses=done.final_losses,
        true_losses=done.true_losses,
        fidelity=done.fidelity,
    )
