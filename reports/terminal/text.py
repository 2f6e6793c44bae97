"""The format `text`: a stored run or comparison on standard output, as it was shown when it was measured."""

from pathlib import Path

from reports.language import Words
from reports.stored_run import Evidence
from reports.terminal.base_and_head import print_sides
from reports.terminal.choice import print_choice
from reports.terminal.run import print_run
from reports.terminal.verdicts import print_verdicts


class TextExporter:
    """Prints for a person at a terminal."""

    def check(self) -> None:
        """Nothing is needed."""

    def write(self, evidence: Evidence, folder: Path, words: Words) -> None:
        """Print the run; of a comparison, what was found of the two sides."""
        if evidence.comparison is not None:
            print_sides(evidence.comparison, words)
            print_verdicts(evidence.run.verdicts, evidence.run.power_cards, words, origin=evidence.origin)
        else:
            print_run(evidence.run, evidence.folder, words)
            if evidence.choice is not None:
                print_choice(evidence.choice, evidence.folder, words)


EXPORTER = TextExporter()
