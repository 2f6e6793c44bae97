"""Which part of the step makes a mode's picture wrong: parts of it are kept in float32 and the picture is scored anew.

The parent asks a process of its own, `python -m harness.blame.search`, which answers once per set that it tried.
"""

import sys
from typing import Any, Callable, Dict, FrozenSet, List, NamedTuple, Sequence, Tuple

import numpy as np

from harness.blame.blocks import Swap, swaps, with_swaps
from harness.blame.delta_debugging import smallest
from harness.blame.messages import Answer, Attempt, Question, Score
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


STAGES: Sequence[Callable[[Swap], str]] = (
    lambda swap: swap.group,
    lambda swap: swap.block,
    lambda swap: f"{swap.group} {swap.type}",
    lambda swap: swap.op,
)
"""What a stage of the search names the ops by: kinds of blocks, blocks, types of op within their kind, ops."""


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
        self.scores: Dict[FrozenSet[str], Score] = {}
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
        before = self._fits(())
        found: Sequence[Swap] = ()
        hinted: Sequence[Swap] = ()
        if not before:
            every = self._swaps()
            hinted = self._hinted(every)
            found = hinted or (self._search(every) if self._fits(every) else ())
        config = with_swaps(mode.precision, found)
        return Blame(
            case=self.case.id,
            mode=mode.name,
            steps=self.case.steps,
            size=self.pictures.shape[1],
            fit_before=before,
            blocks=tuple(swap.op for swap in found),
            fit_after=before or bool(found),
            scores=tuple(
                (score.blocks, score.distance, score.true_loss_ratio, score.fit) for score in self.scores.values()
            ),
            neutral=neutral,
            minimal=not hinted,
            customize_dtypes=customize_dtypes_text(config) if found else "",
        )

    def _hinted(self, every: Sequence[Swap]) -> Sequence[Swap]:
        """Return the first of the question's hints that makes the mode fit; empty when none does."""
        for hint in self.question.hints:
            chosen = [swap for swap in every if swap.op in hint]
            if chosen and self._fits(chosen):
                return chosen
        return ()

    def _search(self, every: Sequence[Swap]) -> Sequence[Swap]:
        """Ever smaller parts, by the names of STAGES."""
        found = every
        for stage, name in enumerate(STAGES, 1):
            found = self._smallest(found, stage, name)
        return found

    def _smallest(self, found: Sequence[Swap], stage: int, name: Callable[[Swap], str]) -> List[Swap]:
        names, left = list(dict.fromkeys(map(name, found))), 0

        def remember(most: int) -> None:
            nonlocal left
            left = most

        return _of(found, name, smallest(names, lambda part: self._fits(_of(found, name, part), stage, left), remember))

    def _fits(self, chosen: Sequence[Swap], stage: int = 0, left: int = 0) -> bool:
        ops = frozenset(swap.op for swap in chosen)
        if ops not in self.scores:
            self.tell(Answer(attempt=Attempt(blocks=_blocks(chosen), stage=stage, left=left)))
            self.scores[ops] = self._score(chosen)
            self.tell(Answer(score=self.scores[ops]))
        return self.scores[ops].fit

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
            blocks=_blocks(chosen),
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


def _blocks(chosen: Sequence[Swap]) -> Tuple[str, ...]:
    return tuple(dict.fromkeys(swap.block for swap in chosen))


def _of(found: Sequence[Swap], level: Callable[[Swap], str], names: Any) -> List[Swap]:
    return [swap for swap in found if level(swap) in names]


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
