"""bench.py --suite and --resume: a suite measured, shown and judged."""

import sys
from pathlib import Path
from typing import Any, Optional, Tuple

from harness.commands import BASELINES, EXIT_INTERRUPTED, EXIT_TRIAL_FAILED, cache_folder
from harness.commands.shown import Shown


def measure(
    suite: str,
    shown: Shown,
    modes: Optional[str],
    device: str,
    content: Tuple[str, ...],
    styles: Tuple[str, ...],
    output: str,
    advisory: bool,
    require_fit: bool,
    **options: Any,
) -> int:
    """Run a suite, show it, return the exit status."""
    import suites
    from harness import modes as precision_modes
    from harness.devices import naming
    from harness.runs import runner
    from reports.terminal.progress import Progress

    kind = naming.choose(device)[0].kind
    options["styles"] = styles or None
    if content:
        options.update(content=content[0], further_contents=content[1:])
        options["batch"] = options["batch"] if options["batch"] is not None else len(content)
    given = {name: value for name, value in options.items() if value is not None}
    names = ("replicates", "max_replicates", "half_width", "budget", "timeout")
    suite_changes = {name: given.pop(name) for name in names if name in given}
    if "replicates" in suite_changes:
        suite_changes.setdefault("max_replicates", None)
    chosen = suites.from_folder(suites.get(suite), given.pop("data_path", None))
    if given["gate"]:
        chosen = suites.for_gate(chosen)
    if modes is not None:
        asked = [precision_modes.get(name) for name in dict.fromkeys(modes.split(","))]
    else:
        asked = precision_modes.defaults(chosen.modes, kind)
    suite_changes["modes"] = precision_modes.with_options(
        asked, given.pop("mixlist", None), given.pop("customize_dtypes", None)
    )
    chip = {name: given.pop(name, None) for name in ("loss_scale", "overflow", "emit", "npu")}
    suite_changes["modes"] = precision_modes.on_chip(
        suite_changes["modes"],
        precision_modes.parse_loss_scale(chip["loss_scale"] or "none"),
        chip["overflow"],
        chip["emit"],
        chip["npu"] or (),
    )
    health, gate, plan_only = given.pop("health"), given.pop("gate"), given.pop("plan_only")
    chosen = suites.customize(chosen, given, suite_changes)
    check_device(kind, chosen, health)
    with Progress(quiet=shown.quiet) as progress:
        run, folder = runner.run_suite(
            chosen, device, Path(output), cache_folder(), progress, sys.argv, health, gate, plan_only
        )
    return show(run, folder, gate or bool(run.suite.fidelity), advisory, require_fit, shown)


def check_device(kind: str, suite: Any, health: bool) -> None:
    """Raise UsageError when the suite asks for what this kind of device cannot do."""
    from harness.devices import npu_options
    from harness.errors import UsageError

    for mode in suite.modes:
        if mode.npu_options and kind != "npu":
            raise UsageError(f"--npu-option {next(iter(mode.npu_options))}: there is no card in --device {kind}")
        if mode.overflow == "ieee" and kind == "npu":
            raise UsageError("--overflow ieee: the card saturates; this is a switch of the emulation")
        if mode.precision.is_bf16 and kind == "npu":
            raise UsageError(f"mode {mode.name}: the 910 has no bfloat16 and refuses the mode; use --device cpu")
        if mode.emit == "native" and kind == "npu":
            raise UsageError("--emit native: the card's own compiler narrows the graph; this is a switch of hosts")
        if mode.emit == "native" and health:
            raise UsageError(f"--health counts what rounding loses, and {mode.name} does not round; leave one out")
        for case in suite.cases:
            npu_options.check_steps(mode.npu_options, case.steps)
    if kind == "npu" and health:
        raise UsageError("--health counts what the emulation loses; on the card see --npu-option enable_dump_debug")


def continue_run(path: str, advisory: bool, require_fit: bool, shown: Shown) -> int:
    """Measure what an interrupted run is missing, show it, return the exit status."""
    from harness.runs import runner
    from reports.terminal.progress import Progress

    with Progress(quiet=shown.quiet) as progress:
        run, folder = runner.resume(Path(path), cache_folder(), progress)
    gate = bool(run.suite.fidelity) or (bool(run.plans) and not run.plan_only)
    return show(run, folder, gate, advisory, require_fit, shown)


def show(run: Any, folder: Path, gate: bool, advisory: bool, require_fit: bool, shown: Shown) -> int:
    """Print the run and, if asked for, the gates' verdicts; return the exit status."""
    from harness.gates.exit_status import exit_status, lenient
    from reports.terminal.fidelity import print_fidelity
    from reports.terminal.published_figures import print_published
    from reports.terminal.run import print_run
    from reports.terminal.verdicts import print_verdicts

    if gate:
        run = judge(run, folder, require_fit)
    if run.suite.fidelity and not run.plan_only:
        print_fidelity(run, folder, shown.words, shown.quiet)
    else:
        print_run(run, folder, shown.words, shown.quiet)
    if run.suite.name == "reference" and not shown.quiet:
        print_published(run)
    if gate:
        print_verdicts(run.verdicts, run.power_cards, shown.words, shown.quiet)
    shown.write(folder)
    if not run.complete:
        return EXIT_INTERRUPTED
    if not all(trial.status == "ok" for trial in run.trials):
        return EXIT_TRIAL_FAILED
    status = exit_status(run.verdicts) if gate else 0
    return lenient(status) if advisory else status


def judge(run: Any, folder: Path, require_fit: bool) -> Any:
    """Return the run with its verdicts, and on the disk; what seems slower is measured once more before it can fail."""
    from harness.gates import gate
    from harness.gates.timing import unconfirmed
    from harness.runs import runner
    from harness.store.baselines import Baselines
    from harness.store.run_folder import RunFolder
    from reports.terminal.progress import Progress

    baselines = Baselines(BASELINES)
    run = gate.judged(run, baselines, folder, require_fit)
    suspects = unconfirmed(run.verdicts)
    if suspects and run.complete:
        with Progress() as progress:
            run = runner.confirm(run, folder, suspects, cache_folder(), progress)
        run = gate.judged(run, baselines, folder, require_fit)
    RunFolder(folder).save(run)
    return run
