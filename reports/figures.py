"""The figures of a summary: how each is called, shown and explained. Formats share them."""

from typing import Dict, List, NamedTuple, Optional, Sequence, Union

from harness.history.series import Entry
from harness.records import Summary
from reports.language import Words

NOT_MEASURED = "–"


class Figure(NamedTuple):
    """One column of the summary tables."""

    field: str
    """Name of the summary's field; `marks` is told in words, by the function of that name."""
    heading: str
    explanation: str
    form: str = ""
    """How the number is formatted; empty for what is told in words."""
    scale: float = 1.0
    rank: int = 0
    """Where there is no room, the column of the highest rank gives way first; those of rank 0 stay."""

    def value(self, summary: Summary) -> Optional[float]:
        """Return the number as it was measured, to sort by; None when it was not, and for words."""
        found: Optional[float] = getattr(summary, self.field) if self.form else None
        return found

    def text(self, summary: Summary, words: Words) -> str:
        """Return the number as text, or the words."""
        if not self.form:
            return words.comma.join(words(mark) for mark in marks(summary))
        value = self.value(summary)
        if value is None:
            return NOT_MEASURED
        return (FAR + " " if self.marks_loss(summary) else "") + format(value * self.scale, self.form)

    def marks_loss(self, summary: Summary) -> bool:
        """Say whether this is a true loss far from the one that the mode reports."""
        return self.field == "true_loss" and is_far(summary.true_loss, summary.final_loss)


FAR = "!"
"""Marks a true loss that is far from the reported one."""
_FAR_LOSSES = 2.0
"""Losses that differ by this factor tell different pictures, whatever noise does: healthy modes differ by percents."""


def is_far(loss: Optional[float], other: Optional[float]) -> bool:
    """Say whether one of two losses is more than twice the other; False where one was not measured."""
    if loss is None or other is None or min(loss, other) < 0:
        return False
    return max(loss, other) > _FAR_LOSSES * min(loss, other)


MARKS: Dict[str, str] = {
    "emulated": "float16 as rounded float32; such a time says nothing about the card",
    "unsteady": "the steps of some process never settled",
}
"""By the words that mark a step time: what they mean."""


def marks(summary: Union[Summary, Entry]) -> List[str]:
    """Return what is to be known of a step time, at most one of MARKS: how steady an emulated one is says nothing."""
    if summary.emulated:
        return ["emulated"]
    return ["unsteady"] if summary.steady is False else []


FIGURES: List[Figure] = [
    Figure("step_seconds", "step s", "geometric mean over processes of the median step", ".3f"),
    Figure("half_width", "95 % ±", "interval over processes (Student's t on logarithms)", ".1%", rank=2),
    Figure("marks", "time", "what is to be known of it"),
    Figure("ratio_to_reference", "ratio", "step time over that of the reference mode", ".3f", rank=3),
    Figure("final_loss", "final loss", "as the mode itself reports it", ".4g", rank=1),
    Figure("true_loss", "true loss", "of the same picture, scored in float32", ".4g"),
    Figure("images_per_second", "img/s", "pictures updated per second", ".3f", rank=2),
    Figure("megapixels_per_second", "Mpx/s", "megapixels updated per second", ".4f", rank=5),
    Figure("first_step_seconds", "first s", "first step, compiling included", ".2f", rank=4),
    Figure("tflops", "TFLOP/s", "convolutions and Gram products", ".3f"),
    Figure("share_of_peak", "peak", "share of its format's matrix-product rate in the same run", ".0%", rank=3),
    Figure("peak_memory_bytes", "GiB", "largest resident size", ".2f", 2.0**-30, rank=1),
]
RESULTS, COSTS = FIGURES[:6], FIGURES[6:]
"""What is looked at first, and the rest."""


def legend(summaries: Sequence[Summary], reference_mode: str, words: Words) -> str:
    """Return what stands beneath a table of these summaries: its marks, the dash, and what the ratio refers to."""
    found = [mark for mark in MARKS if any(mark in marks(summary) for summary in summaries)]
    said = [words(mark) + words.colon + words(MARKS[mark]) for mark in found]
    said += loss_legend(summaries, words)
    said.append(NOT_MEASURED + words.colon + words("not measured"))
    return words.sentence([*said, words("the ratio refers to {mode}", mode=reference_mode)])


def loss_legend(summaries: Sequence[Summary], words: Words) -> List[str]:
    """Return what the mark of a true loss means, where one of the summaries has it."""
    if not any(is_far(summary.true_loss, summary.final_loss) for summary in summaries):
        return []
    return [FAR + words.colon + words("the mode reports another loss than its picture has")]


def explanations(figures: Sequence[Figure], words: Words) -> str:
    """Return what the columns hold, in one line."""
    return words.sentence(
        [words(figure.heading) + words.colon + words(figure.explanation) for figure in figures if figure.form]
    )
