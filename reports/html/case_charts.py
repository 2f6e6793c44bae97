"""The charts of one case, drawn from its records and samples; None where there is nothing to draw."""

from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple

from markupsafe import Markup

from harness.records import Case, Probe, TrialResult
from reports.base_and_head import sides
from reports.html import charts
from reports.language import Words
from reports.stored_run import Evidence, timed

_LEAST_DISTANCE = 1e-7
"""Where equal pictures stand on a logarithmic axis."""
_LOSSES = "Line: total loss as the mode reports it."
_DIAMOND = "Diamond: true loss, scored in float32."
_WINDOW = "It is the median of the last {window} pictures and stands in their middle."
_BAND = "Band: true loss under harmless noise."
_STEPS = "A dot is a step, a row a fresh process with its median; the line above is the 95 % interval over processes."
_PAIRS = "A dot is a pair of processes, left of 1 where head is faster; the line above is the change with its interval."
_PLANE = "Hollow: the card's compiler refuses an op of it."
_DRIFT = "Relative L2 distance from a float64 run of the same graph, in the first step."
_GROWTH = "Relative L2 distance of the picture from the float64 one, after so many updates."
_DRIFTS = {
    "activation": "Drift of activations",
    "gradient": "Drift of gradients",
    "gram": "Drift of Gram matrices",
}


class Chart(NamedTuple):
    """A chart, what it shows, and how to read it."""

    title: str
    drawing: Markup
    note: str
    legend: bool
    """Whether a legend has to say which colour is which mode."""


class CaseCharts:
    """Draws one case; modes keep their colour throughout."""

    def __init__(self, evidence: Evidence, case: Case, colors: Dict[str, int], words: Words) -> None:
        self._evidence = evidence
        self._case = case
        self._colors = colors
        self._words = words

    def losses(self) -> Optional[Chart]:
        """Draw the loss that each mode reports, step by step; at its end the true one, and what noise does to it."""
        found, windows = [], set()
        for mode, trial in self._first_good().items():
            # Extra steps go on with another picture than the one that was fetched.
            samples = [sample for sample in self._evidence.samples(trial) if sample.phase != "extra"]
            points = [(sample.updates, sample.losses["total"]) for sample in samples]
            if points and trial.final_losses:
                points.append((points[-1][0] + 1, trial.final_losses["total"]))
            summary = self._evidence.run.summary_of(self._case.id, mode)
            if points and summary:
                window = trial.fidelity.window if trial.fidelity else 1
                windows.add(window)
                marks = (summary.true_loss, points[-1][0] - (window - 1) / 2, _band(trial), self._words("noise"))
                found.append(charts.Curve(mode, self._colors[mode], points, *marks))
        notes = [self._words(_LOSSES)]
        notes += [self._words(_DIAMOND)] if any(curve.mark is not None for curve in found) else []
        notes += [self._words(_WINDOW, window=window) for window in windows if window > 1]
        notes += [self._words(_BAND)] if any(curve.band for curve in found) else []
        return self._curves("Losses", " ".join(notes), found, "updates of the picture", "total loss")

    def steps(self) -> Optional[Chart]:
        """Draw every timed step, process by process, but for emulated ones; None where pictures are judged."""
        if self._evidence.run.suite.fidelity is not None:
            return None
        found = []
        for row in self._evidence.summaries(self._case.id):
            processes = [
                timed(trial, self._evidence.samples(trial)) for trial in self._evidence.good(self._case.id, row.mode)
            ]
            interval = None
            if row.step_seconds and row.step_seconds_low and row.step_seconds_high:
                interval = (row.step_seconds_low, row.step_seconds, row.step_seconds_high)
            if any(processes) and not row.emulated:
                found.append(charts.Strip(row.mode, self._colors[row.mode], processes, interval))
        if not found:
            return None
        drawing = charts.strips(found, self._label("Step times by process"), self._words("seconds a step"), " s")
        return Chart(self._words("Step times by process"), drawing, self._words(_STEPS), legend=False)

    def pairs(self) -> Optional[Chart]:
        """Draw head / base of every pair of a comparison, with the change and its interval; None for a run."""
        comparison = self._evidence.comparison
        found = []
        for row in sides(comparison.pairs, comparison.verdicts) if comparison else ():
            if row.case == self._case.id and row.ratios:
                judged = row.verdict
                interval = None
                if judged and judged.effect is not None and judged.low is not None and judged.high is not None:
                    interval = (1 + judged.low, 1 + judged.effect, 1 + judged.high)
                rows = [[ratio] for ratio in row.ratios]
                found.append(charts.Strip(row.mode, self._colors[row.mode], rows, interval))
        if not found:
            return None
        drawing = charts.strips(found, self._label("Pairs"), self._words("head / base"))
        return Chart(self._words("Pairs"), drawing, self._words(_PAIRS), legend=False)

    def plane(self) -> Optional[Chart]:
        """Draw the least time of a step on the card, or its measured one, against how far the picture is off.

        That is 1 - SSIM to the reference mode where it was measured, else the true loss. Emulated times are no times.
        """
        distances = {
            found.mode: max(1 - found.to_reference.ssim, _LEAST_DISTANCE)
            for found in self._evidence.run.fidelity
            if found.case == self._case.id and found.to_reference is not None
        }
        points = []
        plans = self._evidence.plans(self._case.id)
        rows = self._evidence.summaries(self._case.id)
        measured = bool(rows) and not any(row.emulated for row in rows) and self._evidence.run.suite.fidelity is None
        for row in rows:
            height = distances.get(row.mode) if distances else row.true_loss
            plan = plans[row.mode].figures if row.mode in plans else None
            floor = plan.roofline_seconds if plan else None
            seconds = row.step_seconds if measured else floor
            if seconds is not None and height is not None and height > 0:
                refused = plan is not None and bool(plan.refused)
                points.append(charts.Point(row.mode, self._colors[row.mode], seconds * 1e3, height, refused))
        label = "1 − SSIM to the reference mode, lower is better" if distances else "true loss, lower is better"
        if not points:
            return None
        speed = "ms a step" if measured else "910 floor ms"
        labels = (self._label("Speed against fidelity"), self._words(speed), self._words(label))
        drawing = charts.plane(points, *labels)
        note = self._words(_PLANE) if any(point.hollow for point in points) else ""
        return Chart(self._words("Speed against fidelity"), drawing, note, legend=False)

    def drift(self) -> List[Chart]:
        """Draw how far each layer lies from float64 in the first step, and how the picture's distance grows."""
        found = []
        for kind, title in _DRIFTS.items():
            curves, names = self._drift_curves(kind)
            found.append(self._curves(title, self._words(_DRIFT), curves, names=names))
        growth = [
            charts.Curve(mode, self._colors[mode], trial.fidelity.growth)
            for mode, trial in self._first_good().items()
            if trial.fidelity and trial.fidelity.growth
        ]
        found.append(self._curves("Growth of the distance", self._words(_GROWTH), growth, "updates of the picture"))
        return [chart for chart in found if chart]

    def _drift_curves(self, kind: str) -> Tuple[List[charts.Curve], List[str]]:
        probes: Dict[str, List[Probe]] = {
            mode: [probe for probe in trial.fidelity.probes if probe.kind == kind]
            for mode, trial in self._first_good().items()
            if trial.fidelity
        }
        names = list(dict.fromkeys(probe.name for found in probes.values() for probe in found))
        curves = []
        for mode, found in probes.items():
            points = sorted((float(names.index(probe.name)), probe.accumulated.relative_l2) for probe in found)
            if points:
                curves.append(charts.Curve(mode, self._colors[mode], points))
        return curves, names

    def _first_good(self) -> Dict[str, TrialResult]:
        good = {mode: self._evidence.good(self._case.id, mode) for mode in self._colors}
        return {mode: trials[0] for mode, trials in good.items() if trials}

    def _curves(
        self,
        title: str,
        note: str,
        found: Sequence[charts.Curve],
        x_label: str = "",
        y_label: str = "",
        names: Optional[Sequence[str]] = None,
    ) -> Optional[Chart]:
        """Draw curves; texts but the note are English, and `names` stand as they are at x = 0, 1, …"""
        if not found:
            return None
        x_text, y_text = (self._words(label) if label else "" for label in (x_label, y_label))
        drawing = charts.curves(found, self._label(title), x_text, y_text, names)
        return Chart(self._words(title), drawing, note, legend=True)

    def _label(self, title: str) -> str:
        """Return the text that stands for the chart where it cannot be seen."""
        return f"{self._words(title)}, {self._case.id}"


def _band(trial: TrialResult) -> Optional[Tuple[float, float]]:
    """Return the least and largest true loss of the runs with harmless noise; None where none were made."""
    envelopes = trial.fidelity.envelopes if trial.fidelity else ()
    losses = [loss for envelope in envelopes for loss in envelope.true_losses]
    return (min(losses), max(losses)) if losses else None
