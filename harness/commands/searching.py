"""A search for the cause of a wrong mode: everything that it finds is kept and shown, however it ends."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, Dict, List, Optional, Sequence, Tuple, TypeVar

from harness.blame.limits import NO_LIMITS, Limits, TimeIsUp
from harness.commands.shown import Shown
from harness.errors import ChildFailedError

if TYPE_CHECKING:
    from harness.blame.findings import Findings
    from harness.blame.messages import Answer, Question
    from harness.check.messages import BlameQuestion
    from harness.records import Blame, GraphBlame
    from harness.store.run_folder import RunFolder
    from reports.blame_answer import BlameAnswer
    from reports.terminal.blame import BlameProgress

    Answered = TypeVar("Answered", Blame, GraphBlame)
    Find = Callable[[Question, Callable[[Answer], None]], Blame]


def search(
    question: "Question",
    folder: "RunFolder",
    command: Sequence[str],
    shown: Shown,
    limits: Limits = NO_LIMITS,
    find: "Optional[Find]" = None,
) -> "Optional[Blame]":
    """Search for what makes a mode's picture wrong, keep and show all that is found.

    Args:
        command: what draws the case in the mode and in the reference mode, without dtypes.
        find: searches, and raises TimeIsUp itself where that limits it; None: in a process on this machine.

    Returns:
        The answer; None when interrupted.

    Raises:
        TimeIsUp: a limit was reached before the end; what was found is kept and shown.
        UsageError: a package is missing.
        ChildFailedError: the search failed; the message says where what it had found is kept.
    """
    from harness.blame.findings import Findings
    from harness.blame.search import blame as blame_here
    from reports.blame_answer import of_pictures
    from reports.terminal.blame import BlameProgress

    def answer(hear: "Callable[[Answer], None]") -> "Blame":
        return (find or blame_here)(question, hear).model_copy(update={"command": tuple(command)})

    findings, progress = Findings(folder), BlameProgress(question.mode.name, shown.words)
    found = _kept(answer, findings, progress, limits, shown, (question.mode.name, question.case.id))
    if found is not None:
        _show(of_pictures(found, findings.file, shown.words), findings, shown)
    return found


def search_graph(
    question: "BlameQuestion", folder: "RunFolder", options: Tuple[str, ...], shown: Shown, limits: Limits
) -> "Optional[GraphBlame]":
    """Search for what makes a mode compute a graph wrong, keep and show all that is found; raises as `search` does.

    Args:
        options: those that say which graph is run and how, as a command line has them.
    """
    from harness.blame.findings import Findings
    from harness.check.blaming import blame as find
    from reports.blame_answer import of_graph
    from reports.terminal.blame import BlameProgress
    from reports.terminal.graph_blame import PHASES, STAGES

    def answer(hear: "Callable[[Answer], None]") -> "GraphBlame":
        return find(question, hear).model_copy(update={"options": options})

    findings = Findings(folder)
    progress = BlameProgress(question.mode.name, shown.words, None, PHASES, STAGES)
    found = _kept(answer, findings, progress, limits, shown, (question.mode.name, Path(question.graph.path).name))
    if found is not None:
        _show(of_graph(found, findings.scores, findings.file, shown.words), findings, shown)
    return found


def _kept(
    find: "Callable[[Callable[[Answer], None]], Answered]",
    findings: "Findings",
    progress: "BlameProgress",
    limits: Limits,
    shown: Shown,
    about: Tuple[str, str],
) -> "Optional[Answered]":
    """Search, and keep every set that is tried and the answer; None when interrupted.

    Args:
        about: the mode, and the case or graph.
    """

    def hear(answer: "Answer") -> None:
        if answer.score is not None:
            findings.add(answer.score)
        progress.heard(answer)
        if limits.are_reached(answer, len(findings.scores)):
            raise TimeIsUp

    try:
        with progress:
            found = find(hear)
    except KeyboardInterrupt:
        _show_stopped(findings, shown, about)
        return None
    except TimeIsUp:
        _show_stopped(findings, shown, about)
        raise TimeIsUp(tuple(findings.smallest.ops) if findings.smallest else ()) from None
    except ChildFailedError as error:
        folder = findings.file.parent
        raise ChildFailedError(f"{error}; what it had found is kept in {folder}") from error
    findings.finish(found)
    return found


def _show(answer: "BlameAnswer", findings: "Findings", shown: Shown) -> None:
    """Write the answer's page where it is asked for, print the answer, and say where the page is."""
    from reports.formats import write_blame
    from reports.terminal.blame_answer import print_answer

    written = write_blame(shown.formats, answer, findings.file.parent, shown.words)
    print_answer(answer, shown.console)
    shown.tell(written)


def _show_stopped(findings: "Findings", shown: Shown, about: Tuple[str, str]) -> None:
    from reports.blame_answer import of_stopped
    from reports.formats import write_blame
    from reports.terminal.blame_answer import print_interrupted

    answer = of_stopped(*about, findings.scores, findings.file, shown.words)
    written = write_blame(shown.formats, answer, findings.file.parent, shown.words)
    print_interrupted(findings, shown.words, shown.console)
    shown.tell(written)


def again(case: str, mode: str, given: Dict[str, Any]) -> List[str]:
    """Return the command line that judges what a search has drawn.

    Args:
        case: id of the case of suite accuracy that `given` changes.
        given: values by the names of their options; those that are None were not given.
    """
    command = ["python", "bench.py", "--suite", "accuracy", "--advisory", "--case", case]
    for name, value in given.items():
        for one in value if isinstance(value, tuple) else (value,):
            command += [f"--{name.replace('_', '-')}", str(one)] if one is not None else []
    return [*command, "--modes", f"must_keep_origin_dtype,{mode}"]
