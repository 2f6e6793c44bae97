"""Which trials a run makes, when and where: what moves from card to card is one round of a case, in all its modes."""

import os
from typing import Dict, Iterator, List, NamedTuple, Sequence, Set, Tuple

from harness.devices import naming
from harness.records import Case, Mode, Run, Suite, Trial, TrialResult
from harness.runs import dispatch
from harness.runs.stopping import wanted
from harness.step.steady_state import WINDOW
from harness.step.turns import VARIABLE
from harness.store.run_folder import RunFolder
from harness.trial.place import Slot
from harness.trial.supervisor import is_emulated


class Planned(NamedTuple):
    """A trial that is to be run."""

    number: int
    """Counted from 1 over all trials of the run."""
    trial: Trial
    slot: int
    """Index of the slot that it is to run on."""


Batch = Tuple[List[Planned], int]
"""Trials, and how many the run is known to have in all."""


def balanced_round(suite: Suite, replicate: int) -> List[Tuple[Case, Mode]]:
    """Return every case in every mode, in reverse for even replicates, so that drift hits all modes alike."""
    pairs = [(case, mode) for case in suite.cases for mode in suite.modes]
    return pairs if replicate % 2 else pairs[::-1]


def units(planned: Sequence[Planned]) -> List[List[Planned]]:
    """Return the trials by case and round, in their order: ratios of modes are taken within one, so it is not torn."""
    found: Dict[Tuple[str, int], List[Planned]] = {}
    for each in planned:
        found.setdefault((each.trial.case.id, each.trial.replicate), []).append(each)
    return list(found.values())


class Rounds:
    """Plans the trials of a run over its slots, from what those before them said."""

    def __init__(self, run: Run, folder: RunFolder, cache: str, slots: Sequence[Slot], baselines: str = "") -> None:
        self._run, self._folder, self._cache, self._slots, self._baselines = run, folder, cache, slots, baselines
        key = run.environment.machine_key
        self._alike = [index for index, slot in enumerate(slots) if slot.machine_key in ("", key)]
        """Indices of the slots of the machine that the run's environment describes, and of those like it."""

    def batches(self, trials: Sequence[TrialResult]) -> Iterator[Batch]:
        """Yield batches of trials that have no result yet.

        The first batch is one round of every case and mode, which shows what is emulated; on a card nothing is, and
        it has all rounds that are always made. On a host the second has the others of these. Each further batch has
        as many rounds as there are slots alike, of the cases and modes that need another process. Where the number of
        rounds is fixed, all are one batch.

        Args:
            trials: results so far; the caller adds those of each batch before it asks for the next, which they decide.
        """
        if self._run.plan_only:
            return
        suite, done, made = self._run.suite, {trial.trial for trial in trials}, 0
        is_card = naming.parse(self._run.device)[0].kind == "npu"
        begun, last = 0, 1 if suite.max_replicates and not is_card else suite.replicates
        while True:
            before = [trial for trial in trials if trial.replicate <= begun]
            order = [
                self._trial(case, mode, replicate)
                for replicate in range(begun + 1, last + 1)
                for case, mode in self._due(replicate, begun, before)
            ]
            if not order and begun >= suite.replicates:
                return
            yield self._missing(order, made, done), max(made + len(order), 0 if begun else self._foreseen(is_card))
            made, begun = made + len(order), last
            last = suite.replicates if begun < suite.replicates else begun + max(len(self._alike), 1)

    def _foreseen(self, is_card: bool) -> int:
        """Return how many trials there will be at least, by what is known before any: emulated modes run once."""
        suite = self._run.suite
        once = [mode for mode in suite.modes if suite.max_replicates and not is_card and is_emulated(mode)]
        rounds = len(once) + (len(suite.modes) - len(once)) * suite.replicates
        return rounds * len(suite.cases)

    def confirmation(self, suspects: Sequence[Tuple[str, str]], trials: Sequence[TrialResult]) -> Batch:
        """Return the trials of a second measurement of cases and modes, the first round in reverse order."""
        suite, done = self._run.suite, {trial.trial for trial in trials}
        chosen = [(case, mode) for case in suite.cases for mode in suite.modes if (case.id, mode.name) in suspects]
        order = [
            self._trial(case, mode, replicate, confirmation=True)
            for replicate in range(1, suite.replicates + 1)
            for case, mode in (chosen[::-1] if replicate % 2 else chosen)
        ]
        return self._missing(order, 0, done), len(order)

    def _missing(self, order: Sequence[Trial], made: int, done: Set[str]) -> List[Planned]:
        return [
            Planned(number, trial, self._slot_of(trial.case, trial.replicate, trial.confirmation))
            for number, trial in enumerate(order, made + 1)
            if trial.id not in done
        ]

    def _due(self, replicate: int, begun: int, trials: Sequence[TrialResult]) -> List[Tuple[Case, Mode]]:
        """Return the cases and modes that run in a round, given the trials of the rounds before its batch."""
        suite = self._run.suite
        pairs = balanced_round(suite, replicate)
        if replicate > suite.replicates:
            # How many there are to be is decided by the machine whose figures are shown.
            chosen = wanted(suite, self._run.of_its_machine(trials), ahead=replicate - begun - 1)
            return [(case, mode) for case, mode in pairs if (case.id, mode.name) in chosen]
        return [(case, mode) for case, mode in pairs if replicate <= suite.least(_of(trials, case, mode))]

    def _slot_of(self, case: Case, replicate: int, confirmation: bool) -> int:
        """Return the index of the slot of a round of a case; what only one machine's figures need runs on its like."""
        is_further = confirmation or replicate > self._run.suite.replicates
        chosen = self._alike if is_further and self._alike else range(len(self._slots))
        return chosen[dispatch.rotated(self._run.suite.cases.index(case), replicate, len(chosen))]

    def _trial(self, case: Case, mode: Mode, replicate: int, confirmation: bool = False) -> Trial:
        run, folder = self._run, self._folder
        trial_id = f"{case.id}.{mode.name}.{'again' if confirmation else ''}{replicate}"
        attempt = folder.next_attempt(trial_id)
        return Trial(
            id=trial_id,
            case=case,
            mode=mode,
            device=self._slots[self._slot_of(case, replicate, confirmation)].device,
            replicate=replicate,
            attempt=attempt,
            picture=str(folder.trial_path(trial_id, attempt) / "picture.png"),
            cache=self._cache,
            health=run.health and replicate == 1 and not confirmation,
            confirmation=confirmation,
            rates=_measures_rates(run, case, mode, replicate) and not confirmation,
            turns=os.environ.get(VARIABLE, ""),
            fidelity=run.suite.fidelity,
            envelopes=_noise_formats(run) if run.suite.fidelity and mode.name == run.reference_mode else (),
            targets=str(folder.targets_path(case.id, mode.name)) if run.suite.replicates > 1 else "",
            suite=run.suite.name,
            baselines=self._baselines,
            oracle=str(folder.oracle_path(case.id)) if run.suite.fidelity else "",
        )


def _of(trials: Sequence[TrialResult], case: Case, mode: Mode) -> List[TrialResult]:
    return [trial for trial in trials if (trial.case, trial.mode) == (case.id, mode.name)]


def _measures_rates(run: Run, case: Case, mode: Mode, replicate: int) -> bool:
    """Return True for one trial of a run that times its steps: the first of the mode that the others refer to.

    A suite that makes a few steps once asks whether all works, and not for a time worth a share of the machine's rate,
    and the time of an emulated mode is no share of anything.
    """
    suite, is_card = run.suite, naming.parse(run.device)[0].kind == "npu"
    names = [each.name for each in suite.modes if is_card or not is_emulated(each)]
    first = run.reference_mode if run.reference_mode in names else "".join(names[:1])
    is_measured = suite.fidelity is None and (suite.replicates > 1 or case.steps > 2 * WINDOW)
    return is_measured and (case, mode.name, replicate) == (suite.cases[0], first, 1)


def _noise_formats(run: Run) -> Tuple[str, ...]:
    """Return the number formats whose noise is to be measured: those that the run's modes compute in."""
    return tuple(dict.fromkeys(mode.format for mode in run.suite.modes))
