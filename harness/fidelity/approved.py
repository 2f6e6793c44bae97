"""Noise that was measured when a picture was approved, and need not be measured again where nothing has changed."""

from pathlib import Path
from typing import Any, Dict, Optional, Sequence

from harness.errors import UsageError
from harness.fidelity.subject import variant_of
from harness.records import FidelityPlan, Trial, TrialFidelity
from harness.store.baselines import Baselines

_NOISE: Dict[str, Any] = {"spread": None, "envelopes": (), "controls": (), "noise_of": ""}
"""Fields of a TrialFidelity that hold what noise and known faults do, empty."""


def with_approved_noise(
    now: TrialFidelity,
    trial: Trial,
    plan: FidelityPlan,
    kind: str,
    tensorflow: str,
    formats: Sequence[str],
    faults: Sequence[str],
) -> Optional[TrialFidelity]:
    """Return the fidelity with the noise of the approved picture; None where that is not there, or not of this picture.

    It is of this picture when all else that was measured, tensor by tensor and picture by picture, is the same to the
    last bit: the noise is then that of the same numbers.

    Args:
        now: what was measured without noise.
        kind: kind of the device, and the version of TensorFlow.
        formats: number formats that an envelope is wanted for.
        faults: names of the known faults that are wanted.
    """
    if not trial.baselines:
        return None
    device = variant_of(kind, tensorflow)
    try:
        stored = Baselines(Path(trial.baselines)).load(trial.suite, trial.case.id, trial.mode.name, device)
    except UsageError:
        return None  # damaged: the gate says so
    if stored is None or stored.fidelity is None:
        return None
    if (stored.case_digest, stored.mode) != (trial.case.digest(), trial.mode):
        return None
    then = stored.fidelity.measured
    if now != then.model_copy(update=_NOISE) or not _holds(then, plan, formats, faults):
        return None
    noise = {name: getattr(then, name) for name in _NOISE}
    return now.model_copy(update={**noise, "noise_of": then.noise_of or stored.run})


def _holds(then: TrialFidelity, plan: FidelityPlan, formats: Sequence[str], faults: Sequence[str]) -> bool:
    """Return True when the fidelity has the spread, every envelope, of as many runs as are wanted, and every fault."""
    envelopes = {envelope.noise: envelope for envelope in then.envelopes}
    wanted = [then.spread, *(envelopes.get(noise) for noise in formats)]
    whole = all(envelope is not None and len(envelope.distances) == plan.envelope for envelope in wanted)
    return whole and {control.fault for control in then.controls} == set(faults)
