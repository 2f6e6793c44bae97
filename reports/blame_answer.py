"""What a search for a cause found, in words that all formats share: the ops first, then what says so."""

import shlex
from pathlib import Path
from typing import Iterable, List, NamedTuple, Optional, Sequence, Tuple

from harness.blame.messages import Score
from harness.errors import UsageError
from harness.records import Blame, GraphBlame
from harness.records.fidelity import Fitness
from harness.store.files import read_record, slug
from harness.store.run_folder import RunFolder
from reports.figures import NOT_MEASURED
from reports.graph_check import FITNESS, CheckColumn, CheckTable, why
from reports.language import Words
from reports.plain_text import shown_path
from reports.stored_run import Evidence

_HINTED = "These ops mended another mode; nobody tried whether fewer do."
_NAMED = 4
"""Blocks of a set that are all named; of more the first three are."""


class Line(NamedTuple):
    """A sentence of an answer."""

    text: str
    weight: str = ""
    """`wrong` or `hint` where it stands out; else empty."""


class Tried(NamedTuple):
    """A set of blocks that was kept in float32, and what came of it."""

    blocks: Tuple[str, ...]
    distance: float
    """1 - SSIM to the float32 picture; of a graph the distance of the fetch nearest to its limit."""
    true_loss_ratio: Optional[float]
    fit: bool
    limit: Optional[float] = None
    """Largest distance of a fit fetch of a graph; None for pictures."""


class BlameAnswer(NamedTuple):
    """The answer on one mode."""

    mode: str
    subject: str
    """Id of the case, or name of the graph's file."""
    finding: Tuple[Line, ...]
    ops: Tuple[str, ...] = ()
    """The ops that make the mode fit when kept in float32; empty where none are known."""
    grounds: Tuple[Line, ...] = ()
    """What the ops rest on, and where their file is."""
    command: str = ""
    """The command line that judges the file; empty where there is none."""
    customize_dtypes: str = ""
    """Text of the file."""
    tried: Tuple[Tried, ...] = ()


def of_pictures(found: Blame, file: Path, words: Words) -> BlameAnswer:
    """Return the answer of a search on pictures; `file` keeps the ops in float32."""
    said = {"mode": found.mode, "size": found.size, "steps": found.steps}
    finding = []
    if not found.neutral:
        finding.append(
            Line(words("Counting what is lost changed the picture: take what follows as a hint alone."), "hint")
        )
    tried = tuple(Tried(*score) for score in found.scores)
    if found.fit_before:
        finding.append(Line(words("{mode} is fit at {size} pixels and {steps} steps: nothing to blame.", **said)))
    elif not found.blocks:
        text = "{mode} is wrong at {size} pixels and {steps} steps, and stays so with every op in float32."
        finding.append(Line(words(text, **said), "wrong"))
    else:
        text = "{mode} is wrong at {size} pixels and {steps} steps. It is fit with these ops in float32:"
        finding.append(Line(words(text, **said)))
    if found.fit_before or not found.blocks:
        return BlameAnswer(found.mode, found.case, tuple(finding), tried=tried)
    counted = words("{count} sets were tried.", count=len(found.scores)) + " "
    counted += words("Without any one of these ops it is wrong again.") if found.minimal else words(_HINTED)
    grounds, command = _of_file(file, found.command, words)
    return BlameAnswer(
        found.mode,
        found.case,
        tuple(finding),
        found.blocks,
        (Line(counted), *grounds),
        command,
        found.customize_dtypes,
        tried,
    )


def of_graph(found: GraphBlame, scores: Iterable[Score], file: Path, words: Words) -> BlameAnswer:
    """Return the answer of a search on a graph.

    Args:
        scores: of every set that was tried.
        file: keeps the ops in float32.
    """
    said = {"mode": found.mode, "graph": found.graph}
    tried = _tried(scores)
    if found.fit_before:
        text = words("{mode} is fit for {graph}: nothing to blame.", **said)
        return BlameAnswer(found.mode, found.graph, (Line(text),), tried=tried)
    finding = [Line(words("{mode} is wrong for {graph}: {why}", why=why(found.before, words), **said))]
    if not found.ops:
        finding.append(Line(words("It stays so with every op in float32."), "wrong"))
        return BlameAnswer(found.mode, found.graph, tuple(finding), tried=tried)
    finding.append(Line(words("It is fit with these ops in float32:")))
    counted = words("{count} sets were tried.", count=found.tried) + " "
    grounds = [Line(counted + words("Without any one of these ops it is wrong again."))]
    if not found.fit_after:
        grounds.append(Line(words("Read from the file it is not fit: take it as a hint alone."), "wrong"))
    mode = found.before.mode.precision.mode
    again = ("python", "bench.py", "check", *found.options, "--modes", mode)
    lines, command = _of_file(file, again, words)
    grounds += lines
    return BlameAnswer(
        found.mode, found.graph, tuple(finding), found.ops, tuple(grounds), command, found.customize_dtypes, tried
    )


def of_stopped(mode: str, subject: str, scores: Sequence[Score], file: Path, words: Words) -> BlameAnswer:
    """Return what a search had found when it was stopped; `file` keeps the smallest fitting set so far in float32."""
    fitting = [score for score in scores if score.customize_dtypes]
    smallest = min(reversed(fitting), key=lambda score: len(score.ops), default=None)
    text = "{mode}: the search was stopped; sets tried: {count}."
    finding = [Line(words(text, mode=mode, count=len(scores)), "hint")]
    if smallest is None:
        return BlameAnswer(mode, subject, tuple(finding), tried=_tried(scores))
    text = "With these {count} ops in float32 the mode is fit, maybe with fewer: {file}"
    finding.append(Line(words(text, count=len(smallest.ops), file=shown_path(file))))
    return BlameAnswer(
        mode,
        subject,
        tuple(finding),
        smallest.ops,
        customize_dtypes=smallest.customize_dtypes,
        tried=_tried(scores),
    )


def answers(evidence: Evidence, words: Words) -> List[BlameAnswer]:
    """Return what the searches in a run's folder found, in the order of its modes; what cannot be read is left out."""
    found = [_answer(evidence, mode.name, words) for mode in evidence.run.suite.modes]
    return [answer for answer in found if answer is not None]


def _answer(evidence: Evidence, mode: str, words: Words) -> Optional[BlameAnswer]:
    home = f"blame/{slug(mode)}"
    record, journal = evidence.file(f"{home}/blame.json"), evidence.file(f"{home}/journal.jsonl")
    try:
        if record is not None:
            return of_pictures(read_record(Blame, f"blame {record}", record), record.parent / "float32.cfg", words)
        if journal is not None:
            scores = RunFolder(journal.parent).recover_journal(journal.parent.name, Score)
            case = evidence.run.suite.cases[0].id
            return of_stopped(mode, case, scores, journal.parent / "float32.cfg", words)
    except (OSError, UsageError):
        pass
    return None


def tried_table(answer: BlameAnswer, words: Words) -> CheckTable:
    """Return a row for each set that was tried, in the order of the search."""
    rows = answer.tried
    is_graph = any(row.limit is not None for row in rows)
    columns = [
        CheckColumn(words("in float32"), tuple(named(row.blocks, words) for row in rows), False),
        CheckColumn(words("right?"), tuple(words(FITNESS[_fitness(row)]) for row in rows), False),
    ]
    if is_graph:
        limits = tuple(NOT_MEASURED if row.limit is None else f"{row.limit:.3g}" for row in rows)
        columns.append(CheckColumn(words("distance"), tuple(f"{row.distance:.3g}" for row in rows)))
        columns.append(CheckColumn(words("limit"), limits))
    else:
        columns.append(CheckColumn(words("SSIM to reference"), tuple(f"{1 - row.distance:.4f}" for row in rows)))
        columns.append(CheckColumn(words("true loss over float32's"), tuple(map(_ratio, rows))))
    numbers = CheckColumn(words("set"), tuple(str(number) for number in range(1, len(rows) + 1)), False)
    return CheckTable(words("Sets that were tried"), numbers, tuple(columns), tuple(map(_fitness, rows)))


def named(blocks: Sequence[str], words: Words) -> str:
    """Return the names of a set's blocks; of many the first ones, and how many more there are."""
    if not blocks:
        return words("nothing")
    shown = blocks if len(blocks) <= _NAMED else blocks[: _NAMED - 1]
    more = words("and {count} more", count=len(blocks) - len(shown)) if len(shown) < len(blocks) else ""
    return " ".join(filter(None, [", ".join(shown), more]))


def _tried(scores: Iterable[Score]) -> Tuple[Tried, ...]:
    return tuple(Tried(score.blocks, score.distance, score.true_loss_ratio, score.fit, score.limit) for score in scores)


def _fitness(row: Tried) -> Fitness:
    return "fit" if row.fit else "wrong"


def _ratio(row: Tried) -> str:
    return NOT_MEASURED if row.true_loss_ratio is None else f"{row.true_loss_ratio:.4g}"


def _of_file(file: Path, again: Sequence[str], words: Words) -> Tuple[List[Line], str]:
    """Return the line that says where the file is, and the command that judges it, which may not be known."""
    text = "customize_dtypes file: {file}; judge it with" if again else "customize_dtypes file: {file}"
    command = [*again, "--customize-dtypes", shown_path(file)] if again else []
    return [Line(words(text, file=shown_path(file)))], " ".join(map(shlex.quote, command))
