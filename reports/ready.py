"""The modes that may be used for pictures of one's own, in words that all formats share."""

from pathlib import Path
from typing import List, NamedTuple

from harness.records import Choice, Ready
from reports.language import Words
from reports.plain_text import shown_path


class ReadyMode(NamedTuple):
    """A mode that may be used, as it is shown."""

    mode: str
    told: str
    """How it is right, and what the card needs for a step at least."""
    options: str
    """Options that tell the card."""


def ready_modes(choice: Choice, folder: Path, words: Words) -> List[ReadyMode]:
    """Return the modes that may be used, the card's quickest first; `folder` is the run's."""
    return [_shown(each, folder, words) for each in choice.ready]


def not_mended(choice: Choice, words: Words) -> List[str]:
    """Return which wrong modes were not worth mending, and which the time did not suffice for; often nothing."""
    said = []
    if choice.slow:
        text = "No quicker on the card than what is right, so not mended: {modes}"
        said.append(words(text, modes=words.comma.join(choice.slow)))
    if choice.left:
        text = "Not mended within {seconds} s: {modes}; --search gives more time, and blame searches for one mode"
        said.append(words(text, seconds=f"{choice.search_seconds:g}", modes=words.comma.join(choice.left)))
    return said


def _shown(each: Ready, folder: Path, words: Words) -> ReadyMode:
    floor = words("at least {floor} ms a step", floor=f"{each.floor_seconds * 1e3:.3f}")
    how = words("right with {count} ops in float32", count=len(each.ops)) if each.ops else words("right as it is")
    options = [f"precision_mode={each.precision_mode}"]
    options += [f"customize_dtypes={shown_path(folder / each.file)}"] if each.file is not None else []
    return ReadyMode(each.mode, words.comma.join([how, floor]), "  ".join(options))
