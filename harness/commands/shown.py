"""How results are shown: formats, language, how much of it."""

from pathlib import Path
from typing import TYPE_CHECKING, List, NamedTuple, Optional, Sequence

if TYPE_CHECKING:
    from rich.console import Console

    from reports.language import Words


class Shown(NamedTuple):
    """How a result is to be shown."""

    formats: List[str]
    words: "Words"
    quiet: bool
    as_json: bool = False
    """True when a JSON document, and nothing else, goes to standard output."""

    @classmethod
    def from_options(cls, formats: str, language: Optional[str], quiet: bool = False, as_json: bool = False) -> "Shown":
        """Check the options of a measurement before anything runs; raises UsageError."""
        from harness.errors import UsageError
        from reports.formats import PRINTED, parse
        from reports.language import Words, language_of

        parsed = parse(formats)
        if "text" in parsed:
            raise UsageError("--report text: a run is shown as text anyway (expected other formats, or none)")
        for name in PRINTED if as_json else ():
            if name in parsed:
                raise UsageError(f"--report {name}: it prints where --json does (leave one out)")
        return cls(parsed, Words(language or language_of()), quiet, as_json)

    @property
    def console(self) -> "Console":
        """Where the text for people goes."""
        from reports.terminal.console import open_console

        return open_console(stderr=self.as_json)

    def write(self, folder: Path, baselines: Path, output: Optional[Path] = None) -> List[Path]:
        """Write the reports of a stored run or comparison, beside its record unless `output` is given; return where.

        Before anything else is shown, so that they are there when nobody reads the text to its end.

        Args:
            baselines: folder of the approved results that a report may show.
        """
        from reports import formats
        from reports.stored_run import Evidence

        evidence = Evidence.load(folder, baselines)
        return formats.write(self.formats, evidence, output or evidence.folder, self.words)

    def tell(self, written: Sequence[Path]) -> None:
        """Say where the reports are."""
        from reports.terminal.run import print_paths

        print_paths(written, self.words, self.console)

    def answer(self, folder: Path, status: int) -> int:
        """Print the JSON document of a stored run or comparison where it was asked for; return the exit status."""
        if self.as_json:
            from reports.stored_run import Evidence
            from reports.terminal.answer import print_answer

            print_answer(Evidence.load(folder), status, self.words)
        return status
