"""The charts of one case, drawn from its records and samples; None where there is nothing to draw."""

from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple

from markupsafe import Markup

from harness.records import Case, Probe, TrialResult
from reports.html import charts
from reports.language import Words
from reports.stored_run import Evidence, timed

_LEAST_DISTANCE = 1e-7
"""Where equal pictures stand on a logarithmic axis."""
_LOSSES = (
    "Line: total loss as the mode reports it. Diamond: true loss, scored in float32. "
    "Band: true loss under harmless noise."
)
_STEPS = "A dot is a step, a row a fresh process with its median; the line above is the 95 % interval over processes."
_PLANE = "Hollow: the time is emulated and says nothing about the card."
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
        found = []
        for mode, trial in self._first_good().items():
            # Extra steps go on with another picture than the one that was fetched.
            samples = [sample for sample in self._evidence.samples(trial) if sample.phase != "extra"]
            points = [(sample.updates, sample.losses["total"]) for sample in samples]
            if points and trial.final_losses:
                points.append((points[-1][0] + 1, trial.final_losses["total"]))
            if points:
                true = (trial.fidelity.true_losses if trial.fidelity else trial.true_losses) or {}
                marks = (true.get("total"), _band(trial), self._words("noise"))
                found.append(charts.Curve(mode, self._colors[mode], points, *marks))
        return self._curves("Losses", _LOSSES, found, "updates of the picture", "total loss")

    def steps(self) -> Optional[Chart]:
        """Draw every timed step, process by process; None where pictures are judged, not times."""
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
            if any(processes):
                name = row.mode + (f" ({self._words('emulated')})" if row.emulated else "")
                found.append(charts.Strip(name, self._colors[row.mode], processes, interval))
        if not found:
            return None
        drawing = charts.strips(found, self._label("Step times by process"), self._words("seconds a step"))
        return Chart(self._words("Step times by process"), drawing, self._words(_STEPS), legend=False)

    def plane(self) -> Optional[Chart]:
        """Draw step time against 1 - SSIM to the reference mode where that was measured, else against the true loss."""
        distances = {
            found.mode: max(1 - found.to_reference.ssim, _LEAST_DISTANCE)
            for found in self._evidence.run.fidelity
            if found.case == self._case.id and found.to_reference is not None
        }
        points = []
        for row in self._evidence.summaries(self._case.id):
            height = distances.get(row.mode) if distances else row.true_loss
            if row.step_seconds is not None and height is not None and height > 0:
                color = self._colors[row.mode]
                points.append(charts.Point(row.mode, color, row.step_seconds, height, row.emulated))
        label = "1 − SSIM to the reference mode, lower is better" if distances else "true loss, lower is better"
        if not points:
            return None
        labels = (self._label("Speed against fidelity"), self._words("seconds a step"), self._words(label))
        drawing = charts.plane(points, *labels)
        return Chart(self._words("Speed against fidelity"), drawing, self._words(_PLANE), legend=False)

    def drift(self) -> List[Chart]:
        """Draw how far each layer lies from float64 in the first step, and how the picture's distance grows."""
        found = []
        for kind, title in _DRIFTS.items():
            curves, names = self._drift_curves(kind)
            found.append(self._curves(title, _DRIFT, curves, names=names))
        growth = [
            charts.Curve(mode, self._colors[mode], trial.fidelity.growth)
            for mode, trial in self._first_good().items()
            if trial.fidelity and trial.fidelity.growth
        ]
        found.append(self._curves("Growth of the distance", _GROWTH, growth, "updates of the picture"))
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
        """Draw curves; texts are English, and `names` stand as they are at x = 0, 1, …"""
        if not found:
            return None
        x_text, y_text = (self._words(label) if label else "" for label in (x_label, y_label))
        drawing = charts.curves(found, self._label(title), x_text, y_text, names)
        return Chart(self._words(title), drawing, self._words(note), legend=True)

    def _label(self, title: str) -> str:
        """Return the text that stands for the chart where it cannot be seen."""
        return f"{self._words(title)}, {self._case.id}"


def _band(trial: TrialResult) -> Optional[Tuple[float, float]]:
    """Return the least and largest true loss of the runs with harmless noise; None where none were made."""
    envelopes = trial.fidelity.envelopes if trial.fidelity else ()
    losses = [loss for envelope in envelopes for loss in envelope.true_losses]
    return (min(losses), max(losses)) if losses else None
