"""Which part of the step makes a mode's picture wrong: parts of it are kept in float32 and the picture is scored anew.

The parent asks a process of its own, `python -m harness.blame.search`, which answers with a line of JSON per set
it tried.
"""

import os
import subprocess
import sys
from typing import Any, Callable, Dict, FrozenSet, List, NamedTuple, Sequence, Tuple

import numpy as np

from harness.blame.blocks import Swap, swaps, with_swaps
from harness.blame.delta_debugging import smallest
from harness.fidelity.fitness import fit_bounds
from harness.fidelity.saturation import alarms
from harness.machine import environment
from harness.modes import get
from harness.precision import customize_dtypes_text
from harness.records import REFERENCE_MODE, Blame, Case, Envelope, FidelityPlan, Mode, Record, Trial, TrialFidelity

PLAN = FidelityPlan(envelope=6, window=3, growth=())
"""Shorter than a suite's, for it is asked some dozens of times."""


class Question(Record):
    """A case, small and short, and the mode to explain."""

    case: Case
    mode: Mode
    cache: str = ""


class Score(Record):
    """What one set of blocks in float32 does to the picture."""

    blocks: Tuple[str, ...]
    distance: float
    """1 - SSIM to the reference mode's picture."""
    true_loss_ratio: float
    fit: bool


def blame(question: Question, hear: Callable[[Score], None]) -> Blame:
    """Search for the cause; `hear` is told of each set that was tried.

    Raises:
        RuntimeError: the search failed; the message ends with what the process said.
    """
    answer = None
    with subprocess.Popen(
        [sys.executable, "-m", "harness.blame.search"],
        cwd=str(environment.ROOT),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        process.stdin.write(question.model_dump_json().encode())
        process.stdin.close()
        for line in process.stdout:
            kind, _, body = line.decode("utf-8", "replace").partition(" ")
            if kind == "score":
                hear(Score.model_validate_json(body))
            elif kind == "blame":
                answer = Blame.model_validate_json(body)
        said = process.stderr.read().decode("utf-8", "replace").strip()
    if answer is None:
        raise RuntimeError(f"the search failed: {said}")
    return answer


class _Picture(NamedTuple):
    """What a mode drew."""

    result: np.ndarray
    true_losses: List[Dict[str, float]]
    alarms: List[str]


class Search:
    """Scores sets of ops in float32 on one case, and looks for a smallest one that makes the mode fit."""

    def __init__(self, question: Question, device: Any, tell: Callable[[Score], None]) -> None:
        from harness.step.inputs import load

        self.question, self.device, self.tell = question, device, tell
        self.case, self.pictures, self.network = load(question.case, question.cache)
        self.scores: Dict[FrozenSet[str], Score] = {}
        reference = self._draw(get(REFERENCE_MODE))
        self.reference = reference
        self.envelope = self._envelope(reference.result)

    def run(self) -> Blame:
        """Answer the question."""
        mode, neutral = self.question.mode, self._is_neutral()
        before = self._fits(())
        found: Sequence[Swap] = ()
        if not before:
            every = self._swaps()
            found = self._search(every) if self._fits(every) else ()
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
            customize_dtypes=customize_dtypes_text(config) if found else "",
        )

    def _search(self, every: Sequence[Swap]) -> Sequence[Swap]:
        """Ever smaller parts: kinds of blocks, blocks, types of op within them, and ops."""
        found = every
        levels = (
            lambda swap: swap.group,
            lambda swap: swap.block,
            lambda swap: f"{swap.group} {swap.type}",
            lambda swap: swap.op,
        )
        for level in levels:
            found = self._smallest(found, level)
        return found

    def _smallest(self, found: Sequence[Swap], level: Callable[[Swap], str]) -> List[Swap]:
        names = list(dict.fromkeys(map(level, found)))
        return _of(found, level, smallest(names, lambda part: self._fits(_of(found, level, part))))

    def _fits(self, chosen: Sequence[Swap]) -> bool:
        ops = frozenset(swap.op for swap in chosen)
        if ops not in self.scores:
            self.scores[ops] = self._score(chosen)
            self.tell(self.scores[ops])
        return self.scores[ops].fit

    def _score(self, chosen: Sequence[Swap]) -> Score:
        mode = self.question.mode
        drawn = self._draw(Mode(name=mode.name, precision=with_swaps(mode.precision, chosen)))
        distance = self._distance(drawn.result, self.reference.result)
        measured, reference = (_measured(picture.true_losses) for picture in (drawn, self.reference))
        bounds = list(fit_bounds(measured, reference, 1 - distance, self.envelope))
        return Score(
            blocks=tuple(dict.fromkeys(swap.block for swap in chosen)),
            distance=distance,
            true_loss_ratio=bounds[1].value,
            fit=all(bound.ok for bound in bounds) and not drawn.alarms,
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
        return _Picture(last[-1], score(self.device, last, self.pictures, self.network, self.case), alarms(lost))

    def _is_neutral(self) -> bool:
        """Whether counting what is lost leaves the picture as it is."""
        plain, watched = (self._draw(self.question.mode, health).result for health in (False, True))
        return np.array_equal(plain, watched)

    def _envelope(self, result: np.ndarray) -> Envelope:
        from harness.fidelity.envelopes import measure_envelopes
        from harness.fidelity.job import Job
        from harness.step.building import build_step

        mode = get(REFERENCE_MODE)
        graph = build_step(self.case, mode, self.device, self.pictures, self.network)
        trial = Trial(
            id="envelope", case=self.case, mode=mode, device=self.device.kind, replicate=1, picture="", cache=""
        )
        job = Job(trial, self.device, self.pictures, self.network, graph, result, (), lambda pictures: [])
        return measure_envelopes(job, PLAN, ["float16"])[0]

    def _distance(self, first: np.ndarray, second: np.ndarray) -> float:
        from harness.fidelity.envelopes import distance

        return distance(first, second, self.network)


def _of(found: Sequence[Swap], level: Callable[[Swap], str], names: Any) -> List[Swap]:
    return [swap for swap in found if level(swap) in names]


def _measured(losses: List[Dict[str, float]]) -> TrialFidelity:
    from harness.fidelity.job import medians

    return TrialFidelity(reported_losses=medians(losses), true_losses=medians(losses), window=PLAN.window)


def main() -> None:
    """Answer the question on standard input."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    from harness.devices.opening import open_device

    question = Question.model_validate_json(sys.stdin.read())
    search = Search(question, open_device("cpu"), lambda score: _say("score", score))
    _say("blame", search.run())


def _say(kind: str, record: Record) -> None:
    sys.stdout.write(f"{kind} {record.model_dump_json()}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
