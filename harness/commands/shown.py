"""How results are shown: formats, language, how much of it."""

from pathlib import Path
from typing import TYPE_CHECKING, List, NamedTuple, Optional

if TYPE_CHECKING:
    from reports.language import Words


class Shown(NamedTuple):
    """How a result is to be shown."""

    formats: List[str]
    words: "Words"
    quiet: bool

    @classmethod
    def from_options(cls, formats: str, language: Optional[str], quiet: bool = False) -> "Shown":
        """Check the options before anything runs; raises UsageError."""
        from reports.formats import parse
        from reports.language import Words, language_of

        return cls(parse(formats), Words(language or language_of()), quiet)

    def write(self, folder: Path, output: Optional[Path] = None) -> None:
        """Write the reports of a stored run or comparison, beside its record unless `output` is given; say where."""
        from reports import formats
        from reports.stored_run import Evidence
        from reports.terminal.run import print_paths

        evidence = Evidence.load(folder)
        print_paths(formats.write(self.formats, evidence, output or evidence.folder, self.words), self.words)
