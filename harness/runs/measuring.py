"""Runs the trials of a run: what is timed alone on its device, then side by side what nobody times."""

import functools
import itertools
import threading
from typing import Callable, Dict, Iterator, List, Sequence

from harness.devices import memory
from harness.records import Run, Trial, TrialResult
from harness.records.events import Event
from harness.runs import dispatch
from harness.runs.observer import Observer
from harness.runs.rounds import Batch, Planned, units
from harness.store.run_folder import RunFolder
from harness.trial.exchange import measure
from harness.trial.place import Slot
from harness.trial.supervisor import is_timed

SIDE_BY_SIDE = 2
"""Processes at once that nobody times: while one builds its graph in a single thread, the other has the cores."""

Task = Callable[[threading.Event], None]
"""Work that ends soon after the event is set."""


class Measuring:
    """The trials of a run while they are run: each result joins the journal, then `trials`."""

    def __init__(
        self, run: Run, folder: RunFolder, cache: str, slots: Sequence[Slot], trials: List[TrialResult], hears: Observer
    ) -> None:
        self._run, self._folder, self._cache, self._slots = run, folder, cache, slots
        self._trials, self._observer = trials, hears
        self._lock = threading.Lock()
        self._numbers: Iterator[int] = iter(())
        self._planned = 0

    def run_batch(self, batch: Batch, further: Sequence[Task] = ()) -> bool:
        """Run the trials that are timed, each round at its slot and all slots at once; then the others.

        Args:
            further: what else is to be done while nothing is timed.

        Returns:
            True when every trial has a result of its own.
        """
        missing, self._planned = batch
        self._numbers = iter(sorted(each.number for each in missing))  # as they begin
        untimed = [each for each in missing if self._is_untimed(each)]
        queues: List[List[List[Planned]]] = [[] for _ in self._slots]
        for unit in units([each for each in missing if each not in untimed]):
            queues[unit[0].slot].append(unit)
        left = dispatch.run_all(queues, self._run_unit)
        self._run_untimed(untimed, further)
        return not left and not any(trial.result_lost for trial in self._trials)

    def _run_untimed(self, trials: Sequence[Planned], further: Sequence[Task]) -> None:
        tasks = list(further)
        tasks += [functools.partial(self._run_trial, each.trial, each.slot) for each in _cases_in_turn(trials)]
        at_once = SIDE_BY_SIDE if len(tasks) > 1 and self._fit_side_by_side() else 1
        dispatch.run_all([[]] * at_once, lambda _, task, stop: task(stop), shared=tasks)

    def _is_untimed(self, each: Planned) -> bool:
        """Return True for a trial that others may run beside: no time of it is judged, and it runs on this CPU."""
        slot = self._slots[each.slot]
        return not slot.place.name and memory.is_of_host(slot.device) and not is_timed(each.trial)

    def _fit_side_by_side(self) -> bool:
        suite = self._run.suite
        return memory.holds(SIDE_BY_SIDE, suite.cases, self._cache, suite.modes, self._run.device)

    def _run_unit(self, index: int, unit: List[Planned], stop: threading.Event) -> None:
        for position, each in enumerate(unit):
            self._run_trial(each.trial, index, stop)
            if not self._slots[index].place.is_alive():
                raise dispatch.GoneError(unit[position + 1 :] or None)

    def _run_trial(self, planned: Trial, index: int, stop: threading.Event) -> None:
        slot = self._slots[index]
        trial = planned.model_copy(update={"device": slot.device})

        def hear(event: Event) -> None:
            with self._lock:
                self._observer.event(trial, event)

        with self._lock:
            self._observer.trial_started(trial, next(self._numbers), self._planned)
        result = measure(slot.place, trial, self._folder, self._run.suite.timeout, hear, stop)
        result = result.model_copy(update={"host": slot.place.name, "machine_key": slot.machine_key})
        with self._lock:
            self._folder.append_journal(self._run.id, result)
            self._trials.append(result)
            self._observer.trial_ended(trial, result)


def _cases_in_turn(trials: Sequence[Planned]) -> List[Planned]:
    """Return one trial of each case, then the next of each: the first of a case computes what the others read."""
    of_case: Dict[str, List[Planned]] = {}
    for each in trials:
        of_case.setdefault(each.trial.case.id, []).append(each)
    turns = itertools.zip_longest(*of_case.values())
    return [each for turn in turns for each in turn if each is not None]
