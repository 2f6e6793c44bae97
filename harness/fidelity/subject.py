"""One case in one mode of a run, as the judges of its picture see it."""

from pathlib import Path
from typing import Dict, Optional, Sequence

import numpy as np

from harness.fidelity import distances, limits
from harness.fidelity.bounds import TOLERANCE
from harness.records import Case, Envelope, Mode, Probe, Run, TrialFidelity, TrialResult
from model import images

BOTH_SIDES = 2.0
"""Noise on both sides of a comparison doubles 1 - SSIM; it grows a distance by the root of 2, and a sketch tells that
to a fifth."""


def variant(trial: TrialResult) -> str:
    """What a stored picture is good for, such as `cpu-tf2`: the device and TensorFlow's major version."""
    version = trial.environment.tensorflow if trial.environment else "unknown"
    return f"{trial.device}-tf{version.split('.')[0]}"


class Subject:
    """One case in one mode of a run, its picture, and what the reference mode of the same run tells of it."""

    def __init__(self, run: Run, folder: Path, case: Case, mode: Mode) -> None:
        self.run, self.folder, self.case, self.mode = run, folder, case, mode
        self.trial = self._good_trial(mode.name)
        self.reference = self._good_trial(run.reference_mode)
        self.format = mode.format

    def _good_trial(self, mode: str) -> Optional[TrialResult]:
        found = [trial for trial in self.run.trials if (trial.case, trial.mode) == (self.case.id, mode)]
        return next((trial for trial in found if trial.status == "ok" and trial.fidelity and trial.picture), None)

    def picture(self, trial: TrialResult) -> np.ndarray:
        """Pixels of a trial's picture, uint8 RGB; raises images.ImageError."""
        return images.read(str(self.folder / str(trial.picture)))

    @property
    def envelope(self) -> Optional[Envelope]:
        """What noise of the mode's format does to this case."""
        envelopes = self.reference.fidelity.envelopes if self.reference and self.reference.fidelity else ()
        return next((envelope for envelope in envelopes if envelope.noise == self.format), None)

    def headroom(self) -> Dict[str, float]:
        """By probe, how much larger the mode's error is than the reference mode's."""
        if not (self.trial and self.reference):
            return {}
        errors, reference = errors_of(self.trial.fidelity), errors_of(self.reference.fidelity)
        return {name: distances.headroom(error, reference[name], self.floor(name)) for name, error in errors.items()}

    def floor(self, probe: str) -> float:
        """Error below which a probe's is not told from none."""
        return TOLERANCE[self.format][probe.split(" ")[1]] / 10


def errors_of(measured: Optional[TrialFidelity]) -> Dict[str, float]:
    """By probe, `NAME KIND`: relative L2 distance of its tensor from the float64 one."""
    probes: Sequence[Probe] = measured.probes if measured else ()
    return {f"{probe.name} {probe.kind}": probe.accumulated.relative_l2 for probe in probes}


def is_faster(subject: Subject) -> Optional[bool]:
    """Whether a step takes less time than one of the reference mode; None where either time is not the device's own."""
    trial, reference = subject.trial, subject.reference
    if trial is None or reference is None or trial.trial == reference.trial or trial.emulated or reference.emulated:
        return None
    if trial.step_seconds is None or reference.step_seconds is None:
        return None
    return trial.step_seconds < reference.step_seconds


def is_gateable(subject: Subject, alpha: float) -> Optional[bool]:
    """Whether some known fault moves the picture further than noise may; None when that was not measured."""
    controls = subject.reference.fidelity.controls if subject.reference and subject.reference.fidelity else ()
    if not controls or subject.envelope is None:
        return None
    return limits.prediction_limit(subject.envelope.distances, alpha) < max(control.distance for control in controls)
