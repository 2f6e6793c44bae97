"""What two stored runs drew: losses and pictures. One process tells, for they have next to no noise of their own."""

from pathlib import Path
from typing import Iterator, List, Optional

from harness.errors import UsageError
from harness.fidelity import distances
from harness.fidelity.bounds import LEAST_SHARE, TOLERANCE
from harness.fidelity.regression import hold_against
from harness.fidelity.subject import Subject, picture_of, variant
from harness.gates.approval import fidelity_figures
from harness.records import Case, Losses, Mode, Outcome, Run, TrialResult, Verdict
from harness.remark import Remark, remark
from harness.store.run_folder import RunFolder
from model import images

_REASONS = {"as_baseline": "alike", "regressed": "apart", "incomplete_baseline": "incomplete_run"}
"""By reason code of the regression gate: the one of two runs, of which none was approved."""


def compare(first: Run, then: Path, second: Run, now: Path, case: Case, mode: Mode) -> List[Verdict]:
    """Hold a case and mode of the second run against the first, by its picture where both measured fidelity.

    Where they did not, the losses of the first step decide, which rounding alone moves by a known amount. Later losses
    and the picture are shown.

    Args:
        then: folder of the first run.
        now: folder of the second run.
    """
    old, new = (next(iter(run.trials_of(case.id, mode.name)), None) for run in (first, second))
    if old is None or new is None:
        return []
    if second.suite.fidelity and old.fidelity and new.fidelity:
        return [_by_fidelity(first, then, Subject(second, now, case, mode), old)]
    return list(_by_losses(old, then, new, now, case, mode))


def _by_fidelity(first: Run, then: Path, subject: Subject, old: TrialResult) -> Verdict:
    case, mode, new = subject.case.id, subject.mode.name, subject.trial

    def verdict(outcome: Outcome, reason: str, *details: Remark) -> Verdict:
        return Verdict(gate="regression", case=case, mode=mode, outcome=outcome, reason=reason, details=details)

    if new is None or variant(old) != variant(new):
        kinds = remark("variants", first=variant(old), second=variant(new) if new else "")
        return verdict("missing", "other_variant", kinds)
    found = first.fidelity_of(case, mode)
    figures = fidelity_figures(old, found.headroom if found else {})
    try:
        path, pixels = picture_of(old, then)
        held = hold_against(subject, figures, pixels, str(path))
    except (UsageError, images.ImageError) as error:
        return verdict("missing", "unreadable_picture", remark("text", text=str(error)))
    return verdict(held.outcome, _REASONS.get(held.reason, held.reason), *held.details)


def _by_losses(old: TrialResult, then: Path, new: TrialResult, now: Path, case: Case, mode: Mode) -> Iterator[Verdict]:
    before, after = (_first_losses(folder, trial) for folder, trial in ((then, old), (now, new)))
    if before is None or after is None:
        return
    changed = tuple(_changed(before, after, mode.format))
    shown = tuple(told for told in (_final(old, new), _picture(old, then, new, now)) if told is not None)
    yield Verdict(
        gate="losses",
        case=case.id,
        mode=mode.name,
        outcome="fail" if changed else "pass",
        reason="losses_differ" if changed else "losses_same",
        details=(*changed, *shown),
    )


def _first_losses(folder: Path, trial: TrialResult) -> Optional[Losses]:
    """Losses of the picture that the trial began with; None where no sample can be read."""
    samples = RunFolder(folder).samples(trial)
    return samples[0].losses if samples and samples[0].updates == 0 else None


def _changed(before: Losses, after: Losses, precision: str) -> Iterator[Remark]:
    """Yield the terms of the first step that differ by more than rounding."""
    for name, old in before.items():
        new = after.get(name, 0.0)
        moved = abs(new - old) / (max(abs(old), LEAST_SHARE * abs(before["total"])) or 1.0)
        if moved > TOLERANCE[precision]["loss"]:
            yield remark("first_loss", name=name, before=old, after=new)


def _final(old: TrialResult, new: TrialResult) -> Optional[Remark]:
    if old.final_losses is None or new.final_losses is None or old.final_losses == new.final_losses:
        return None
    return remark("final_loss", before=old.final_losses["total"], after=new.final_losses["total"])


def _picture(old: TrialResult, then: Path, new: TrialResult, now: Path) -> Optional[Remark]:
    if not (old.picture and new.picture):
        return None
    if old.picture_sha256 == new.picture_sha256:
        return remark("same_picture")
    try:
        pixels = [picture_of(trial, folder)[1] for trial, folder in ((old, then), (new, now))]
        apart = distances.picture_distance(pixels[1], pixels[0])
    except (UsageError, images.ImageError, ValueError) as error:
        return remark("text", text=str(error))
    return remark("other_picture", ssim=apart.ssim, level=distances.furthest_level(apart))
