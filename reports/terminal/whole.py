"""A whole run for a person at a terminal: tables, then verdicts; also the format `text` of a stored run."""

from pathlib import Path
from typing import Optional

from rich.console import Console

from harness.records import Run
from reports.advice import Origin
from reports.comparison_run import COMPARISON
from reports.language import ENGLISH, Words
from reports.plain_text import shown_path
from reports.stored_run import Evidence
from reports.terminal.console import open_console
from reports.terminal.fidelity import print_fidelity
from reports.terminal.published_figures import print_published
from reports.terminal.run import print_run
from reports.terminal.verdicts import print_verdicts


def print_whole(
    run: Run, folder: Path, words: Words = ENGLISH, quiet: bool = False, console: Optional[Console] = None
) -> None:
    """Print the run's tables, and what the gates say of it where it was judged."""
    console = console or open_console()
    if run.suite.fidelity and not run.plan_only:
        print_fidelity(run, folder, words, quiet, console)
    else:
        print_run(run, folder, words, quiet, console)
    if run.suite.name == "reference" and not quiet:
        print_published(run, words, console)
    if run.verdicts:
        origin = Origin(shown_path(folder), run.suite.name)
        print_verdicts(run.verdicts, run.power_cards, words, quiet, console, origin)


class TextExporter:
    """Prints the run on standard output, as it was shown when it was measured."""

    def check(self) -> None:
        """Nothing is needed."""

    def write(self, evidence: Evidence, folder: Path, words: Words) -> None:
        """Print the run; of a comparison, what was found of the two sides."""
        if evidence.record.name == COMPARISON:
            print_verdicts(evidence.run.verdicts, evidence.run.power_cards, words, origin=evidence.origin)
        else:
            print_whole(evidence.run, evidence.folder, words)


EXPORTER = TextExporter()
