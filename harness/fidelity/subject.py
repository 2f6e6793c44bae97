"""One case in one mode of a run, as the judges of its picture see it."""

from pathlib import Path
from typing import Dict, Optional, Sequence, Tuple

import numpy as np

from harness.errors import UsageError
from harness.fidelity import distances, limits
from harness.fidelity.bounds import TOLERANCE
from harness.records import Case, Control, Envelope, Mode, Probe, Run, TrialFidelity, TrialResult
from harness.store.run_folder import inside
from model import images


def variant(trial: TrialResult) -> str:
    """Return what a stored picture is valid for, device and TensorFlow's major version, such as `cpu-tf2`."""
    return variant_of(trial.device, trial.environment.tensorflow if trial.environment else "unknown")


def variant_of(kind: str, tensorflow: str) -> str:
    """Return the variant of pictures that this kind of device draws with this version of TensorFlow."""
    return f"{kind}-tf{tensorflow.split('.')[0]}"


def picture_of(trial: TrialResult, folder: Path) -> Tuple[Path, np.ndarray]:
    """Return the path and the pixels, uint8 RGB, of the picture that a trial of the run in `folder` drew.

    Raises:
        UsageError: the picture lies outside the folder, or is not the one that the trial drew.
        images.ImageError: the picture cannot be read.
    """
    path = inside(folder, str(trial.picture))
    pixels = images.read(str(path))
    if images.digest(pixels) != trial.picture_sha256:
        raise UsageError(f"picture {path}: not the one that the run drew (its pixels differ; measure anew)")
    return path, pixels


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
        """Pixels of a trial's picture, uint8 RGB; raises as picture_of does."""
        return picture_of(trial, self.folder)[1]

    @property
    def envelope(self) -> Optional[Envelope]:
        """What noise of the mode's format does to this case in the reference mode; None when it was not measured."""
        measured = self.reference.fidelity if self.reference else None
        if measured is None or self.format == "float32":
            return measured.spread if measured else None
        return next((envelope for envelope in measured.envelopes if envelope.noise == self.format), None)

    @property
    def controls(self) -> Sequence[Control]:
        """What known faults do to this case in the reference mode; empty when that was not measured."""
        return self.reference.fidelity.controls if self.reference and self.reference.fidelity else ()

    def headroom(self) -> Dict[str, float]:
        """Return the mode's error over the reference mode's, both floored, by probe as `NAME KIND`."""
        if not (self.trial and self.reference):
            return {}
        errors, reference = errors_of(self.trial.fidelity), errors_of(self.reference.fidelity)
        return {
            name: distances.headroom(error, reference[name], self.floor(name))
            for name, error in errors.items()
            if name in reference
        }

    def floor(self, probe: str) -> float:
        """Return the error below which a probe, given as `NAME KIND`, counts as having none."""
        return TOLERANCE[self.format][probe.split(" ")[1]] / 10


def errors_of(measured: Optional[TrialFidelity]) -> Dict[str, float]:
    """Return the relative L2 distance of each probe's tensor from the float64 one, by probe as `NAME KIND`."""
    probes: Sequence[Probe] = measured.probes if measured else ()
    return {f"{probe.name} {probe.kind}": probe.accumulated.relative_l2 for probe in probes}


def is_faster(subject: Subject) -> Optional[bool]:
    """Return True when a step takes less time than one of the reference mode.

    None for the reference mode itself, and where a time is emulated or was not measured.
    """
    trial, reference = subject.trial, subject.reference
    if trial is None or reference is None or trial.trial == reference.trial or trial.emulated or reference.emulated:
        return None
    if trial.step_seconds is None or reference.step_seconds is None:
        return None
    return trial.step_seconds < reference.step_seconds


def is_gateable(subject: Subject) -> Optional[bool]:
    """Return True when some known fault moves the picture further than noise may; None when that was not measured."""
    spread = subject.trial.fidelity.spread if subject.trial and subject.trial.fidelity else None
    if not subject.controls or spread is None:
        return None
    return limits.noise_limit(spread.distances, "distance") < max(control.distance for control in subject.controls)
