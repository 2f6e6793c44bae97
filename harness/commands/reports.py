"""How results are shown: the options that say so, stored runs rendered again, and their history."""

from pathlib import Path
from typing import Any, Callable, List, NamedTuple, Optional

import click

from harness.commands import BASELINES

LANGUAGES = ("en", "zh")


def language_option(command: Callable) -> Callable:
    """The option that chooses the language of what people read."""
    return click.option("--lang", type=click.Choice(LANGUAGES), help="Language; of the locale unless given.")(command)


class Shown(NamedTuple):
    """How a result is to be shown."""

    formats: List[str]
    words: Any
    quiet: bool

    @classmethod
    def from_options(cls, formats: str, language: Optional[str], quiet: bool = False) -> "Shown":
        """Check the options before anything runs; raises UsageError."""
        from reports.formats import parse
        from reports.words import Words, language_of

        return cls(parse(formats), Words(language or language_of()), quiet)

    def write(self, folder: Path, output: Optional[Path] = None) -> None:
        """Write the reports of a stored run or comparison, beside its record unless `output` is given; say where."""
        from reports import formats
        from reports.evidence import Evidence
        from reports.terminal import print_paths

        evidence = Evidence.load(folder)
        print_paths(formats.write(self.formats, evidence, output or evidence.folder, self.words))


@click.command()
@click.argument("run", metavar="RUN")
@click.option("--format", "names", metavar="A,B", default="html", show_default=True, help="As --report.")
@click.option("--output", metavar="DIR", help="Folder that gets the files; the run's own unless given.")
@language_option
def report(run: str, names: str, output: Optional[str], lang: Optional[str]) -> None:
    """Show a stored RUN, or what --against stored, again in any format."""
    Shown.from_options(names, lang).write(Path(run), Path(output) if output else None)


@click.command()
@click.option("--suite", metavar="NAME", help="Only this suite's runs.")
@click.option("--case", metavar="ID", help="Only this case.")
@click.option("--mode", metavar="MODE", help="Only this mode.")
@click.option("--last", type=click.IntRange(1), default=20, show_default=True, help="Runs shown of each case and mode.")
@click.option("--output", metavar="DIR", default="results", show_default=True, help="Folder that holds the runs.")
@language_option
def history(output: str, last: int, lang: Optional[str], **wanted: Optional[str]) -> None:
    """Draw step time, plan figures and SSIM over the stored runs, approved baselines marked."""
    from reports import history as stored

    words = Shown.from_options("none", lang).words
    runs, problems = stored.stored_runs(Path(output))
    stored.print_history(runs, problems, stored.approved(BASELINES), last, words, **wanted)
