"""A run and what its folder holds, as every format reads them: what is not there, or not readable, is left out."""

import os
from pathlib import Path
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from harness.errors import UsageError
from harness.machine.git import ROOT
from harness.records import Case, CasePlan, Choice, Comparison, Run, Summary, TrialResult, Verdict
from harness.records.events import Sample
from harness.store.files import read_record
from harness.store.run_folder import RunFolder, inside
from reports.advice import Origin, origin
from reports.comparison_run import COMPARISON, head_run
from reports.language import Words
from reports.verdict_text import WORST_FIRST

CHOICE = "choice.json"


class Evidence(NamedTuple):
    """A stored run."""

    run: Run
    folder: Path
    comparison: Optional[Comparison] = None
    """The comparison of two revisions whose head's side the run is; None for a run of its own."""
    baselines: Path = ROOT / "baselines"
    """Folder below which an approved picture may be read."""
    choice: Optional[Choice] = None
    """Which modes may be used, where the command choose said so; None for any other run."""

    @classmethod
    def load(cls, path: Path, baselines: Path = ROOT / "baselines") -> "Evidence":
        """Read the folder of a run or of a comparison, or the record in it; raises UsageError when it is neither."""
        folder = RunFolder(path.parent if path.name in ("run.json", COMPARISON) else path)
        if os.path.lexists(folder.path / COMPARISON):
            return cls(head_run(folder), folder.path, folder.load_comparison(), baselines)
        return cls(folder.load(), folder.path, None, baselines, _choice(folder.path))

    @property
    def record(self) -> Path:
        """Path of the record that the run was read from."""
        comparison = self.folder / COMPARISON
        return comparison if comparison.exists() else self.folder / "run.json"

    @property
    def origin(self) -> Origin:
        """What the commands of an advice about the run name."""
        return origin(self.run, self.folder)

    def by_case(self) -> "Dict[str, Evidence]":
        """For each case the run with that case's measurements alone, so that a page of many cases scans none twice."""
        found: Dict[str, Dict[str, List[Any]]] = {case.id: {} for case in self.run.suite.cases}
        for name in ("trials", "summaries", "plans", "fidelity"):
            for lists in found.values():
                lists[name] = []
            for item in getattr(self.run, name):
                found[item.case][name].append(item)
        return {case: self._replace(run=self.run.model_copy(update=lists)) for case, lists in found.items()}

    def trials(self, case: str, mode: str) -> List[TrialResult]:
        """Return the trials of one case in one mode, by replicate; those that only confirmed others are left out."""
        return sorted(self.run.trials_of(case, mode, status=None), key=lambda trial: trial.replicate)

    def good(self, case: str, mode: str) -> List[TrialResult]:
        """Return those of these trials that ended well."""
        return [trial for trial in self.trials(case, mode) if trial.status == "ok"]

    def failures(self) -> List[TrialResult]:
        """Return the trials that did not end well."""
        return [trial for trial in self.run.trials if trial.status != "ok"]

    def summaries(self, case: str) -> List[Summary]:
        """Return the summaries of a case, one for each mode."""
        return [summary for summary in self.run.summaries if summary.case == case]

    def plans(self, case: str) -> Dict[str, CasePlan]:
        """Return the card's dtype plans of a case by mode."""
        return {plan.mode: plan for plan in self.run.plans if plan.case == case}

    def file(self, name: Optional[str]) -> Optional[Path]:
        """Return a file of the run's folder; None when it is not there, or when its name leads out of the folder."""
        try:
            return inside(self.folder, name) if name else None
        except UsageError:
            return None

    def samples(self, trial: TrialResult) -> List[Sample]:
        """Return the steps of a trial, up to the first line that cannot be read."""
        return RunFolder(self.folder).samples(trial)


def _choice(folder: Path) -> Optional[Choice]:
    """Return what choose left in a run's folder; None where nothing can be read there."""
    try:
        path = inside(folder, CHOICE)
        return read_record(Choice, f"choice {path}", path)
    except UsageError:
        return None


def timed(trial: TrialResult, samples: Sequence[Sample]) -> List[float]:
    """Return the seconds of the steps that the trial's step time rests on: the last ones, in the steady state."""
    return [sample.seconds for sample in samples[-trial.timed_steps :]] if trial.timed_steps else []


class Headline(NamedTuple):
    """The result in one word and one sentence."""

    outcome: str
    """`error`, `fail`, `missing`, `inconclusive`, `pass`, or `none`: not judged."""
    word: str
    sentence: str
    """Both English; see reports.language."""
    values: Mapping[str, object]


def headline(run: Run) -> Headline:
    """Return the worst that there is to say of a run, in the order of the exit status."""
    failed = sum(trial.status != "ok" for trial in run.trials)
    if failed:
        sentence = "{failed} of {trials} trials did not end well."
        return Headline("error", "Trials failed", sentence, {"failed": failed, "trials": len(run.trials)})
    if not run.complete:
        values = {"trials": len(run.trials), "planned": run.planned_trials}
        return Headline("missing", "Interrupted", "{trials} of {planned} trials finished and are kept.", values)
    if run.plan_only and run.verdicts and all(verdict.outcome == "pass" for verdict in run.verdicts):
        return Headline("pass", "Passed", "{count} dtype plans as approved.", {"count": len(run.verdicts)})
    gating = [verdict for verdict in run.verdicts if not verdict.advisory]
    if gating and not run.has_baselines and all((one.gate, one.outcome) == ("coverage", "pass") for one in gating):
        return Headline("none", "Measured", "Nothing is stored to hold cases of one's own against.", {})
    return judged_headline(run.verdicts)


def judged_headline(verdicts: Sequence[Verdict]) -> Headline:
    """Return the worst that verdicts say, and how many say what."""
    if not verdicts:
        return Headline("none", "Not judged", "The run was measured without --gate; nothing here is a pass.", {})
    if all(verdict.advisory for verdict in verdicts):
        return Headline("none", "Advisory", "Nothing of this run gates; what is shown is advisory.", {})
    counts: Dict[str, int] = {outcome: 0 for outcome in WORST_FIRST}
    for verdict in verdicts:
        counts[verdict.outcome] += not verdict.advisory
    words: Tuple[Tuple[str, str], ...] = (
        ("fail", "Failed"),
        ("missing", "Evidence missing"),
        ("inconclusive", "Cannot tell"),
        ("pass", "Passed"),
    )
    outcome, word = next((name, word) for name, word in words if counts[name])
    sentence = "{fail} failed, {missing} missing, {inconclusive} inconclusive, {passed} passed."
    return Headline(outcome, word, sentence, {**counts, "passed": counts["pass"]})


def title(case: Case, words: Words) -> str:
    """Return size, steps, start and network of a case in one line."""
    size = f"{case.inputs.width}×{case.inputs.height}" if case.inputs else ""
    pictures = words("{count} pictures of {size}", count=case.batch, size=size) if case.batch > 1 else size
    start = words(case.initial) if case.initial in ("content", "noise") else Path(case.initial).name
    steps = words("{steps} steps from {start}", steps=case.steps, start=start)
    parts = [pictures, steps, words("network {network}", network=Path(case.network).name)]
    return words.comma.join(part for part in parts if part)


def noise_source(run: Run, words: Words) -> str:
    """Return which approved run measured the noise of pictures that have not changed since; empty where none did."""
    sources = sorted({trial.fidelity.noise_of for trial in run.trials if trial.fidelity and trial.fidelity.noise_of})
    if not sources:
        return ""
    return words(
        "Unchanged pictures, the same bit for bit, have their noise from when they were approved ({runs}).",
        runs=words.comma.join(sources),
    )
