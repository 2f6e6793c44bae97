"""The decision tables and what they come to in plain words, for a person at a terminal."""

from typing import Optional

from rich.console import Console
from rich.text import Text

from harness.records import Run
from reports.decision import DecisionTable, explanations, tables
from reports.findings import sentences
from reports.language import ENGLISH, Words
from reports.stored_run import title
from reports.terminal.console import open_console
from reports.terminal.tables import Column, print_folded, print_table

FITNESS_STYLES = {"wrong": "bold red", "not_judged": "bold yellow", "fit": "green"}


def print_decision(run: Run, words: Words = ENGLISH, console: Optional[Console] = None) -> None:
    """Print the decision tables, what their columns hold, and the sentences; nothing where nothing is known."""
    console = console or open_console()
    found = tables(run, words)
    for table in found:
        _print(console, table, words)
    if found:
        print_folded(console, Text(explanations(found, words), style="dim"))
        console.print()
        for sentence in sentences(run, words):
            print_folded(console, Text(sentence.text))
            if sentence.command:
                console.print(Text(f"    {sentence.command}"), soft_wrap=True)  # to be copied


def _print(console: Console, table: DecisionTable, words: Words) -> None:
    console.print()
    if table.case is not None:
        print_folded(console, Text(table.case.id, style="bold") + Text(f"  {title(table.case, words)}"))
    fitness = [FITNESS_STYLES[row.fitness] for row in table.rows]
    columns = [
        Column(
            words(column.heading),
            [column.text(row, words) for row in table.rows],
            column.number,
            column.rank,
            long=column.heading == "why",
            styles=fitness if column.heading == "right?" else (),
        )
        for column in table.columns
    ]
    print_table(console, Column(words(table.first), [table.name(row) for row in table.rows], False), columns, words)
