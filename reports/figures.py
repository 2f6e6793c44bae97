"""The figures of a summary: how each is called, shown and explained. Formats share them."""

from typing import List, NamedTuple, Optional

from harness.records import Summary

NOT_MEASURED = "–"


class Figure(NamedTuple):
    """One column of the summary tables."""

    field: str
    heading: str
    explanation: str
    form: str
    scale: float = 1.0

    def value(self, summary: Summary) -> Optional[float]:
        """The number as it was measured, to sort by; None when it was not."""
        return half_width(summary) if self.field == "half_width" else getattr(summary, self.field)

    def text(self, summary: Summary) -> str:
        """The number as text; `e` marks an emulated step time, `~` one of a process that was never steady."""
        value = self.value(summary)
        if value is None:
            return NOT_MEASURED
        return format(value * self.scale, self.form) + (
            "e" if self.field == "step_seconds" and summary.emulated else ""
        )


def marks(summary: Summary) -> str:
    """What is to be known of a step time, in a letter."""
    return ("e" if summary.emulated else "") + ("~" if summary.steady is False else "")


def half_width(summary: Summary) -> Optional[float]:
    """Half the 95 % interval of the step time, relative; None below two processes."""
    if summary.step_seconds_low is None or summary.step_seconds_high is None:
        return None
    return (summary.step_seconds_high / summary.step_seconds_low) ** 0.5 - 1


FIGURES: List[Figure] = [
    Figure("step_seconds", "step s", "geometric mean over processes of the median step", ".3f"),
    Figure("half_width", "95 % ±", "interval over processes (Student's t on logarithms)", ".1%"),
    Figure("ratio_to_reference", "ratio", "step time over that of the reference mode", ".3f"),
    Figure("final_loss", "final loss", "as the mode itself reports it", ".5g"),
    Figure("true_loss", "true loss", "of the same picture, scored in float32", ".5g"),
    Figure("images_per_second", "img/s", "pictures updated per second", ".3f"),
    Figure("megapixels_per_second", "Mpx/s", "megapixels updated per second", ".4f"),
    Figure("first_step_seconds", "first s", "first step, compiling included", ".2f"),
    Figure("tflops", "TFLOP/s", "convolutions and Gram products", ".3f"),
    Figure("share_of_peak", "peak", "share of the matrix-product rate of its format in the same processes", ".0%"),
    Figure("peak_memory_bytes", "GiB", "largest resident size", ".2f", 2.0**-30),
]
RESULTS, COSTS = FIGURES[:5], FIGURES[5:]
"""What is looked at first, and the rest."""
