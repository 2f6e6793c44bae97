"""The check of a user's graph at a terminal: the decision first, then the figures behind it."""

import json
from pathlib import Path
from typing import Optional, Sequence

from rich.console import Console
from rich.text import Text

from harness.check.messages import CheckAnswer
from harness.records import GraphCheck
from reports.advice import Origin
from reports.graph_check import CheckTable, legend, sentences, subject, tables
from reports.language import ENGLISH, Words
from reports.plain_text import shown_path
from reports.terminal.console import open_console
from reports.terminal.decision import FITNESS_STYLES
from reports.terminal.redrawn import Redrawn
from reports.terminal.tables import Column, print_folded, print_table
from reports.terminal.verdicts import print_verdicts

PHASES = {
    "reading": "reading the graph and its feeds",
    "float32": "running it in float32",
    "float64": "running it in float64",
    "noise": "measuring how far harmless noise moves it",
    "planning": "planning the card's dtypes",
    "mode": "running it as the card rounds",
    "ops": "looking where it parts from float32",
}
"""By the phase of a check."""


class CheckProgress(Redrawn):
    """Says on standard error what is being done, and for how long; elsewhere than on a terminal a line for each."""

    def __init__(self, words: Words = ENGLISH, quiet: bool = False, console: Optional[Console] = None) -> None:
        super().__init__(console or open_console(stderr=True, quiet=quiet), words, words("starting TensorFlow"))

    def heard(self, answer: CheckAnswer) -> None:
        """Show a message of the check."""
        if answer.phase is not None:
            about = f"{answer.mode}{self._words.colon}" if answer.mode else ""
            self._begin(about + self._words(PHASES[answer.phase]))
            if not self.console.is_terminal:
                self._print(self._activity)


def print_check(
    check: GraphCheck,
    record: Path,
    words: Words = ENGLISH,
    quiet: bool = False,
    console: Optional[Console] = None,
) -> None:
    """Print the decision, what was run, the verdicts, the figures, and where the record is."""
    console = console or open_console()
    if not quiet:
        first, *rest = tables(check, words)
        _print_table(console, first, words)
        for line in subject(check, words):
            print_folded(console, Text(line, style="dim"))
        console.print()
        for sentence in sentences(check, words):
            print_folded(console, Text(sentence.text))
            if sentence.command:
                console.print(Text(f"    {sentence.command}"), soft_wrap=True)  # to be copied
    origin = Origin(shown_path(record.parent), check.graph)
    print_verdicts(check.verdicts, (), words, quiet, console, origin, record.name)
    if not quiet:
        for table in rest:
            _print_table(console, table, words)
        print_folded(console, Text(legend(words), style="dim"))
    console.print(Text(f"{words('record'):<8} {shown_path(record)}"), soft_wrap=True)


def print_approved_check(modes: Sequence[str], path: str, words: Words = ENGLISH, as_json: bool = False) -> None:
    """Print what an approval changed, and which file it wrote; as JSON the text goes to standard error."""
    console = open_console(stderr=as_json)
    for mode in modes:
        console.print(Text(f"{words('changed')}  {mode}", style="bold"), soft_wrap=True)
    said = words("wrote {path}", path=path) if modes else words("Nothing to approve: every mode is as approved.")
    console.print(Text(said), soft_wrap=True)


def print_check_json(check: GraphCheck, record: Path, status: int) -> None:
    """Print the record, with its path and the exit status that the command ends with, as one JSON document."""
    document = {"record": str(record), "exit_status": status, **check.model_dump(mode="json")}
    open_console().file.write(json.dumps(document, indent=1) + "\n")


def _print_table(console: Console, table: CheckTable, words: Words) -> None:
    console.print()
    if table.title:
        console.print(Text(table.title, style="bold"), soft_wrap=True)
    styles = [FITNESS_STYLES[fitness] for fitness in table.fitness]
    columns = [
        Column(
            column.heading,
            list(column.cells),
            column.number,
            column.rank,
            long=column.heading == words("why"),
            styles=styles if column.heading == words("right?") else (),
        )
        for column in table.columns
    ]
    print_table(console, Column(table.names.heading, list(table.names.cells), False), columns, words)
