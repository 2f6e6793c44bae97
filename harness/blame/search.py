"""Which part of the step makes a mode's picture wrong: parts of it are kept in float32 and the picture is scored anew.

The parent asks a process of its own, `python -m harness.blame.search`, which answers once per set that it tried.
"""

import sys
from typing import Any, Callable, Dict, List, NamedTuple, Sequence

import numpy as np

from harness.blame.blocks import Swap, swaps, with_swaps
from harness.blame.messages import Answer, Question, Score
from harness.blame.sets import SetSearch, blocks_of
from harness.errors import UsageError
from harness.fidelity.fitness import fit_bounds
from harness.fidelity.saturation import alarms
from harness.machine.child import ask, to_parent
from harness.modes import get
from harness.precision import PrecisionConfigError, customize_dtypes_text
from harness.records import REFERENCE_MODE, Blame, FidelityPlan, Mode, Trial, TrialFidelity
from harness.remark import Remark

PLAN = FidelityPlan(envelope=6, window=3, growth=())
"""Fidelity plan of a search, shorter than a suite's, since each search draws some dozens of pictures."""
_SCORING_SECONDS = 7200.0
"""Longest time that scoring one set may take, and the start of the search with its envelope."""


def blame(question: Question, hear: Callable[[Answer], None]) -> Blame:
    """Search for the cause; `hear` is called with each message but the last.

    Raises:
        UsageError: a customize_dtypes entry cannot be used, or a package is missing.
        ChildFailedError: the search failed.
    """

    def take(message: str) -> None:
        answer = Answer.model_validate_json(message)
        if answer.blame is None and not answer.error:
            hear(answer)

    last = ask("the search", "harness.blame.search", question.model_dump_json(), _SCORING_SECONDS, take, may_fork=True)
    answer = Answer.model_validate_json(last)
    if answer.blame is None:
        raise UsageError(answer.error)
    return answer.blame


class _Picture(NamedTuple):
    """The final picture of a mode, its last losses in float32, and its alarms on what float16 lost."""

    result: np.ndarray
    true_losses: List[Dict[str, float]]
    alarms: List[Remark]


class Search:
    """Scores sets of ops in float32 on one case, and looks for a smallest one that makes the mode fit."""

    def __init__(self, question: Question, device: Any, tell: Callable[[Answer], None]) -> None:
        from harness.fidelity.envelopes import measure_envelopes, one_ulp
        from harness.step.inputs import load

        self.question, self.device, self.tell = question, device, tell
        self.case, self.pictures, self.network = load(question.case, question.cache)
        self.search = SetSearch(self._score, tell, hints=question.hints)
        self.tell(Answer(phase="reference"))
        reference = self._draw(get(REFERENCE_MODE))
        self.reference = reference
        self.job = self._job(reference.result)
        self.tell(Answer(phase="noise"))
        (self.envelope,) = measure_envelopes(self.job, PLAN, one_ulp(["float16"]))

    def run(self) -> Blame:
        """Answer the question."""
        self.tell(Answer(phase="counting"))
        mode, neutral = self.question.mode, self._is_neutral()
        found = self.search.run(self._swaps)
        return Blame(
            case=self.case.id,
            mode=mode.name,
            steps=self.case.steps,
            size=self.pictures.shape[1],
            fit_before=found.fit_before,
            blocks=tuple(swap.op for swap in found.swaps),
            fit_after=found.fit_after,
            scores=tuple(
                (score.blocks, score.distance, score.true_loss_ratio or 0.0, score.fit)
                for score in self.search.scores.values()
            ),
            neutral=neutral,
            minimal=not found.is_hint,
            customize_dtypes=customize_dtypes_text(with_swaps(mode.precision, found.swaps)) if found.swaps else "",
        )

    def _score(self, chosen: Sequence[Swap]) -> Score:
        from harness.fidelity.envelopes import distance as picture_distance

        mode = self.question.mode
        config = with_swaps(mode.precision, chosen)
        drawn = self._draw(Mode(name=mode.name, precision=config))
        distance = picture_distance(drawn.result, self.reference.result, self.job)
        measured, reference = (_measured(picture.true_losses) for picture in (drawn, self.reference))
        bounds = list(fit_bounds(measured, reference, distance, self.envelope))
        fit = all(bound.ok for bound in bounds) and not drawn.alarms
        return Score(
            ops=tuple(swap.op for swap in chosen),
            blocks=blocks_of(chosen),
            distance=1 - distance.ssim,
            true_loss_ratio=bounds[1].value,
            fit=fit,
            customize_dtypes=customize_dtypes_text(config) if fit and chosen else "",
        )

    def _swaps(self) -> List[Swap]:
        from harness.precision import plan_graph
        from harness.step.building import build_step

        mode = self.question.mode
        graph = build_step(self.case, mode, self.device, self.pictures, self.network)
        return swaps(plan_graph(graph.graph_def, [graph.update, *graph.losses.values()], mode.precision))

    def _draw(self, mode: Mode, health: bool = True) -> _Picture:
        from harness.step.building import build_step
        from harness.step.scoring import score

        graph = build_step(self.case, mode, self.device, self.pictures, self.network)
        fetches, keep = [graph.update, *graph.losses.values()], [graph.initialize, graph.result]
        prepared = self.device.prepare(graph.graph_def, fetches, mode, keep, health=health)
        lost: Dict[str, np.ndarray] = {}
        last = []
        with self.device.session(prepared.graph_def) as session:
            session.run(graph.initialize)
            for updates in range(1, self.case.steps + 1):
                _, counts = session.run([graph.update, prepared.counters])
                lost = {op: lost.get(op, 0) + count for op, count in counts.items()}
                if updates > self.case.steps - PLAN.window:
                    last.append(session.run(graph.result))
        return _Picture(
            last[-1],
            score(self.device, last, self.pictures, self.network, self.case),
            alarms({op: count.tolist() for op, count in lost.items()}),
        )

    def _is_neutral(self) -> bool:
        """Return True when counting what float16 loses leaves the picture as it is."""
        plain, watched = (self._draw(self.question.mode, health).result for health in (False, True))
        return np.array_equal(plain, watched)

    def _job(self, result: np.ndarray) -> Any:
        """The reference mode's stylization, which ended in this result."""
        from harness.fidelity.job import Job
        from harness.step.building import build_step

        mode = get(REFERENCE_MODE)
        graph = build_step(self.case, mode, self.device, self.pictures, self.network)
        trial = Trial(
            id="envelope", case=self.case, mode=mode, device=self.device.kind, replicate=1, picture="", cache=""
        )
        return Job(trial, self.device, self.pictures, self.network, graph, result, (), lambda pictures: [])


def _measured(losses: List[Dict[str, float]]) -> TrialFidelity:
    from harness.fidelity.job import medians

    return TrialFidelity(reported_losses=medians(losses), true_losses=medians(losses), window=PLAN.window)


def main() -> None:
    """Answer the question on standard input."""
    from harness.devices.device import DeviceUnavailable
    from harness.devices.opening import open_device

    question = Question.model_validate_json(sys.stdin.read())
    with to_parent() as parent:

        def say(**answer: Any) -> None:
            parent.write(Answer(**answer).model_dump_json() + "\n")

        try:
            search = Search(question, open_device("cpu"), lambda answer: say(**dict(answer)))
            say(blame=search.run())
        except (PrecisionConfigError, DeviceUnavailable, UsageError) as error:
            say(error=str(error))


if __name__ == "__main__":
    main()
