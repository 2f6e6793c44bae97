"""bench.py --suite and --resume: a suite measured, shown and judged."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Optional

from harness.commands import baselines_in
from harness.commands.hosts import claimed_machines
from harness.commands.request import Request
from harness.commands.shown import Shown
from harness.gates.exit_status import INTERRUPTED, TRIAL_FAILED, exit_status, lenient
from harness.store.cache import cache_folder
from reports.terminal.opening import opening

if TYPE_CHECKING:
    from harness.records import Run, Suite
    from harness.runs.machines import Machines


def measure(request: Request) -> int:
    """Run a suite, show it, return the exit status."""
    with opening(request.lang, request.quiet):
        from harness.devices import kinds, naming
        from harness.runs import runner
        from harness.step.turns import VARIABLE
        from reports.terminal.progress import Progress

        shown = Shown.from_options(request.report, request.lang, request.quiet, request.json)
    with claimed_machines(request.hosts, request.device, shown.words, request.quiet) as machines:
        with Progress(quiet=request.quiet, words=shown.words) as progress:
            kind = naming.choose(request.device)[0].kind if machines is None else naming.parse(machines.device)[0].kind
            suite = request.chosen_suite(kind)
            kinds.check(kind, suite, request.health)
            run, folder = runner.run_suite(
                suite,
                request.device,
                Path(request.output),
                cache_folder(),
                progress,
                command=sys.argv,
                health=request.health,
                plans=not os.environ.get(VARIABLE),  # of two trees that step in turns, the times alone are wanted
                plan_only=request.plan_only,
                for_gate=request.gate,
                machines=machines,
                baselines=_baselines(request, suite),
            )
        return show(run, folder, request.gate or bool(run.suite.fidelity), request, shown, machines)


def continue_run(request: Request) -> int:
    """Measure what an interrupted run is missing, show it, return the exit status."""
    with opening(request.lang, request.quiet):
        from harness.errors import UsageError
        from harness.runs import runner
        from harness.store.run_folder import RunFolder
        from reports.terminal.progress import Progress

    shown = Shown.from_options(request.report, request.lang, request.quiet, request.json)
    path = Path(str(request.resume))
    before = RunFolder(path).load()
    with claimed_machines(request.hosts, before.device, shown.words, request.quiet) as machines:
        with Progress(quiet=request.quiet, words=shown.words) as progress:
            baselines = _baselines(request, before.suite)
            run, folder = runner.resume(path, cache_folder(), progress, machines, baselines, plans=True)
        if request.require_fit and not run.suite.fidelity:
            raise UsageError(f"--require-fit: suite {run.suite.name} judges no pictures (expected --suite accuracy)")
        return show(run, folder, run.gated, request, shown, machines)


def _baselines(request: Request, suite: "Suite") -> str:
    """Return the folder of baselines that the user or the suite named, or the project's own."""
    return str(baselines_in(request.baselines or suite.baselines).root)


def show(
    run: "Run", folder: Path, gate: bool, request: Request, shown: Shown, machines: "Optional[Machines]" = None
) -> int:
    """Judge the run if asked for, print it and its verdicts, write its reports; return the exit status."""
    from reports.terminal.run import print_run

    if gate:
        run = judge(run, folder, request, shown, machines)
    written = shown.write(folder, Path(_baselines(request, run.suite)))
    print_run(run, folder, shown.words, shown.quiet, shown.console)
    shown.tell(written)
    return shown.answer(folder, _status(run, gate, request))


def _status(run: "Run", gate: bool, request: Request) -> int:
    if not run.complete:
        return INTERRUPTED
    if not all(trial.status == "ok" for trial in run.trials):
        return TRIAL_FAILED
    status = exit_status(run.verdicts, request.inconclusive) if gate else 0
    return lenient(status) if request.advisory else status


def judge(run: "Run", folder: Path, request: Request, shown: Shown, machines: "Optional[Machines]" = None) -> "Run":
    """Return the run with its verdicts, and on the disk; what seems slower is measured once more before it can fail."""
    from harness.gates import gate
    from harness.gates.timing import unconfirmed
    from harness.runs import runner
    from harness.store.run_folder import RunFolder
    from reports.terminal.progress import Progress

    baselines = baselines_in(request.baselines or run.suite.baselines)
    run = gate.judged(run, baselines, folder, request.require_fit)
    suspects = unconfirmed(run.verdicts)
    if suspects and run.complete:
        with Progress(quiet=request.quiet, words=shown.words) as progress:
            run = runner.confirm(run, folder, suspects, cache_folder(), progress, machines)
        run = gate.judged(run, baselines, folder, request.require_fit)
    RunFolder(folder).save(run)
    return run
