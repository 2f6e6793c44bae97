"""bench.py history: figures over the stored runs."""

from pathlib import Path
from typing import Optional, Sequence

import click

from harness.commands import baselines_in
from harness.commands.options import baselines_option, language_option, output_option
from harness.commands.shown import Shown


@click.command()
@click.option("--suite", metavar="NAME", help="Only this suite's runs.")
@click.option("--case", metavar="ID", help="Only this case.")
@click.option("--mode", metavar="MODE", help="Only this mode.")
@click.option("--last", type=click.IntRange(1), default=20, show_default=True, help="Runs shown of each case and mode.")
@output_option("Folder that holds the runs.")
@baselines_option
@language_option
def history(
    suite: Optional[str],
    case: Optional[str],
    mode: Optional[str],
    last: int,
    output: str,
    baselines: Optional[str],
    lang: Optional[str],
) -> None:
    """Draw step time, plan figures and SSIM over the stored runs, approved baselines marked."""
    import suites
    from harness import modes
    from reports.terminal import history as stored

    words = Shown.from_options("none", lang).words
    runs, problems = stored.stored_runs(Path(output))
    if mode is not None and mode.strip() in modes.KNOWN:
        mode = modes.get(mode).name
    _check_known("--suite", suite, [*suites.names(), *(run.suite.name for run in runs)])
    _check_known("--case", case, [known.id for run in runs for known in run.suite.cases])
    _check_known("--mode", mode, [*modes.KNOWN, *(known.name for run in runs for known in run.suite.modes)])
    folders = {baselines} if baselines else {None, *(run.suite.baselines for run in runs)}
    approved = set().union(*(stored.approved(baselines_in(folder).root) for folder in folders))
    stored.print_history(runs, problems, approved, last, words, suite=suite, case=case, mode=mode)


def _check_known(option: str, name: Optional[str], known: Sequence[str]) -> None:
    """Raise UsageError for a name that no stored run has, and that is none of ours either."""
    from harness.errors import UsageError, nearest

    if name is not None and name not in known:
        expected = f"expected one of {', '.join(dict.fromkeys(known))}" if known else "there is no stored run"
        raise UsageError(f"history: {option} {name!r} is unknown{nearest(name, known)} ({expected})")
