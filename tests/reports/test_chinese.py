"""Everything that can be said, said in Chinese, holds no English but names."""

import io
import re

import pytest
from pydantic import BaseModel
from typing_extensions import get_args

from harness.blame.findings import Findings
from harness.blame.messages import Answer, Attempt, Score
from harness.gates.approval import Proposal
from harness.gates.reasons import REASONS
from harness.history.series import series
from harness.machine.requirements import Check
from harness.modes import get
from harness.precision import ConstantRange, DtypePlan
from harness.precision.rules.plan import PlannedCast, PlannedOp
from harness.records import Baseline, Blame, Choice, FidelityPlan, LossScaling, Ready, Status
from harness.records.events import Phase, Sample
from harness.remark import Remark, remark
from harness.store.run_folder import RunFolder
from reports import formats
from reports.blame_answer import of_pictures, of_stopped
from reports.html.blame_page import render_blame
from reports.html.site import write_site
from reports.language import Words, catalogue
from reports.sentences import SENTENCES
from reports.terminal import (
    approval,
    blame,
    blame_answer,
    choice,
    comparison_progress,
    doctor,
    explain,
    fidelity,
    history,
    index,
    power_card,
    progress,
    run,
    stored_runs,
)
from reports.terminal.console import PlainConsole
from tests.history.histories import entry
from tests.reports.runs import MIXED, make_run

TERMS = set(
    """
    accuracy against api approve baselines bench bfloat blame calibrate cfg changed checkout cpu customize doctor dtypes
    dump fit flip force gate gflop gib git gram graph head html journal json lang log missing mode modes mpx nan png
    psnr python reason replicates report require resume run search ssim student style stylebench suite text tflop
    """.split()
)
"""What Chinese texts hold in Latin letters: abbreviations, units, and the names of files, commands and options."""
ALIKE = {name: remark(code) for name, code in (("figure", "ssim_to_reference"), ("probe", "ssim_to_reference"))}
NESTED = {**ALIKE, "part": remark("gram_part"), "why": remark("interrupted"), "status": remark("crashed")}


HISTORY = series(
    entry(number, seconds, casts=69 + (number > 8), steady=number > 1 or None)
    for number, seconds in enumerate([0.5, 0.501] * 4 + [0.6, 0.601] * 4 + [0.5, 0.501] * 60)
)
"""Of many runs, with changes that were mended."""
HISTORY_WORDS = {"sqlite", *re.findall("[a-z]+", str([entry[:13] for entry in HISTORY[0].entries]).lower())}


class Complete(Words):
    """Fails for a text that has no Chinese."""

    def __call__(self, english, **values):
        assert english in catalogue().words, english
        return super().__call__(english, **values)


def _remark(code):
    """The remark of this code with some value for every name."""
    fields = re.findall("{([a-z_]+)([^}]*)}", SENTENCES[code])
    return remark(code, **{name: NESTED.get(name, 0.5 if form else "1") for name, form in fields})


@pytest.fixture
def evidence(tmp_path, case):
    """A run with every remark and every reason, a crash, an interruption, and all that a suite may measure."""
    made = make_run(tmp_path / "run", case)
    every = tuple(map(_remark, SENTENCES))
    reference, mixed = made.run.summaries
    scaling = LossScaling(steps=9, skipped=2, skipped_first=1, first_scale=8, last_scale=4)
    told = {"unmet": every, "remarks": every}
    memory = made.run.growth[0].model_copy(update={"quantity": "peak memory", "emulated": True})
    passed, failed, advisory = made.run.verdicts
    changes = {
        "summaries": [
            reference.model_copy(update={**told, "steady": False, "loss_scaling": scaling}),
            mixed.model_copy(update={**told, "ok": 1}),
        ],
        "trials": [*made.run.trials, made.run.trials[0].model_copy(update={"status": "crashed", "reason": "7"})],
        "growth": [*made.run.growth, memory],
        "fidelity": [found.model_copy(update={"reasons": every}) for found in made.run.fidelity],
        "verdicts": [passed, advisory]
        + [failed.model_copy(update={"reason": code, "details": every}) for code in REASONS]
        + [failed.model_copy(update={"advisory": True, "advisory_reason": code}) for code in REASONS],
        "complete": False,
    }
    return made._replace(run=made.run.model_copy(update=changes))


def _names_in(value):
    """The strings of a record, and the keys of its dictionaries."""
    if isinstance(value, BaseModel) and not isinstance(value, Remark):
        value = [getattr(value, name) for name in type(value).model_fields]
    elif isinstance(value, dict):
        value = [*value, *value.values()]
    if isinstance(value, (list, tuple)):
        return {name for item in value for name in _names_in(item)}
    return {value} if isinstance(value, str) else set()


def _english(text, evidence, further=frozenset()):
    """Words of a text that are no names."""
    shown = evidence.run
    names = _names_in([shown.suite, shown.trials, shown.environment, shown.plans, shown.power_cards, shown.command])
    names = (names - set(get_args(Status))) | {str(evidence.folder), shown.id}
    known = TERMS | further | {word for name in names for word in re.findall("[a-z]+", name.lower())}
    return sorted({word for word in re.findall("[a-z]{3,}", text.lower()) if word not in known})


def _live(observer, trial, results):
    """Whole lives of trials in front of an observer."""
    with observer:
        observer.waiting(9)
        for what in progress.PREPARATIONS:
            observer.preparing(what)
        for result in results:
            observer.trial_started(trial.model_copy(update={"confirmation": result.status == "ok"}), 1, 2)
            for name in progress.PHASES:
                observer.event(trial, Phase(name=name))
            for phase in ("first", "extra"):
                observer.event(trial, Sample(updates=1, phase=phase, seconds=1.0, losses={"total": 1.0}))
            observer.trial_ended(trial, result)


def _print_search(words, console, folder):
    """A search from its first message to each of its ends."""
    score = Score(ops=("1",), blocks=tuple("12345"), distance=0.5, true_loss_ratio=1.0, fit=True, customize_dtypes="1")
    with blame.BlameProgress("1", words, console) as search:
        for phase in blame.PHASES:
            search.heard(Answer(phase=phase))
        for stage in blame.STAGES:
            search.heard(Answer(attempt=Attempt(blocks=(), stage=stage, left=1)))
            search.heard(Answer(score=score))
        console.print(search._draw())
    findings = Findings(RunFolder(folder))
    findings.smallest = score
    blame_answer.print_interrupted(findings, words, console)
    for answer in _answers(words, folder, score):
        blame_answer.print_answer(answer, console)


def _answers(words, folder, score):
    """Every kind of answer of a search on pictures."""
    scores = ((("1",) * 9, 0.5, 1.0, True), ((), 0.5, 1.0, False))
    found = Blame(case="1", mode="1", steps=1, size=1, fit_before=False, neutral=False, scores=scores)
    said = ({}, {"fit_before": True}, {"blocks": ("1",)}, {"blocks": ("1",), "minimal": False, "command": ("1",)})
    for changes in said:
        yield of_pictures(found.model_copy(update=changes), folder, words)
    for scores in ([], [score]):
        yield of_stopped("1", "1", scores, folder, words)


def test_a_terminal_shows_no_english(evidence, trial):
    words, out = Complete("zh"), io.StringIO()
    console = PlainConsole(file=out, width=200, highlight=False)
    whole, folder = evidence.run, evidence.folder
    (card,) = whole.power_cards
    one_mode = whole.suite.model_copy(update={"modes": whole.suite.modes[:1], "cases": whole.suite.cases * 2})
    judged = whole.suite.model_copy(update={"fidelity": FidelityPlan()})
    run.print_run(whole, folder, words, console=console)
    run.print_run(whole.model_copy(update={"suite": one_mode}), folder, words, console=console)
    run.print_paths([folder], words, console)
    fidelity.print_fidelity(whole.model_copy(update={"suite": judged}), words, console)
    for trees in ("base", "head and base"):
        comparison_progress.ComparisonProgress(2, words=words, console=console).measuring(1, trees, MIXED, "1")
    power_card.print_card(card, folder, words, console)
    power_card.print_card(card.model_copy(update={"needed_pairs": None, "undecided": 1}), folder, words, console)
    _history(words, console)
    stored_runs.print_sides(whole, whole, words, console)
    _live(progress.Progress(console, words=words), trial, whole.trials)
    _print_search(words, console, folder)
    one_case = whole.suite.model_copy(update={"cases": whole.suite.cases[:1]})
    for work in (1, 9):
        choice.print_beforehand(one_case, work, 1, words, console=console)
    ready = tuple(Ready(mode="1", precision_mode="1", file="1", ops=ops, floor_seconds=0.1) for ops in ((), ("1",)))
    for found in (Choice(search_seconds=1), Choice(ready=ready, slow=("1",), left=("1",), search_seconds=1)):
        choice.print_choice(found, folder, words, console)
    assert _english(out.getvalue(), evidence, HISTORY_WORDS) == []
    assert len(re.findall("[\u4e00-\u9fff]", out.getvalue())) > 5000


def test_the_page_of_a_search_shows_no_english(evidence, tmp_path):
    score = Score(ops=("1",), blocks=(), distance=0.5, true_loss_ratio=1.0, fit=True, customize_dtypes="1")
    for answer in _answers(Complete("zh"), tmp_path / "1", score):
        text = re.sub(r"<(style|script)>.*?</\1>", " ", render_blame(answer, Complete("zh")).decode(), flags=re.S)
        assert _english(re.sub(r"<[^>]*>|&\w+;", " ", text.replace(str(tmp_path), "")), evidence) == []


def _history(words, console):
    """What the commands about many runs say."""
    history.print_history(HISTORY, set(), words, console)
    history.print_history([], set(), words, console)
    history.print_changes(HISTORY, words, console)
    history.print_changes([], words, console)
    history.print_problems(["1"] * 9, words, console)
    history.print_left_out(1, words, console)
    index.print_pushed(["added", "known"], "sqlite:///1", words, console)
    index.print_rebuilt(1, ["1"], words, console)
    index.print_pruned(1, words, console)


def test_a_site_shows_no_english(tmp_path):
    known = TERMS | HISTORY_WORDS
    for path in [*write_site(HISTORY, tmp_path, tmp_path, set(), Complete("zh")), *_empty(tmp_path / "empty")]:
        text = re.sub(r"<(style|script)>.*?</\1>", " ", path.read_text(encoding="utf-8"), flags=re.S)
        shown = re.findall("[a-z]{3,}", re.sub(r"<[^>]*>|&\w+;", " ", text).lower())
        assert sorted({word for word in shown if word not in known}) == [], path


def _empty(folder):
    return write_site([], folder, folder, set(), Complete("zh"))


def _plan():
    """A dtype plan with an op of every engine, every kind of cast, and a constant out of range."""
    names = {"gradients/conv/a": "ai_core", "conv/b": "ai_cpu_fp32", "c": "compile_error", "d": "unknown"}
    sizes = {"unit": "cube", "inputs": ("float32",), "outputs": ("float16",), "flops": 1, "bytes_moved": 1}
    ops = [
        PlannedOp(name=name, nodes=(name,), type="Conv2D", engine=engine, rule="white: float16", **sizes)
        for name, engine in names.items()
    ]
    kinds = {"source": "float32", "target": "float16", "elements": 1}
    casts = [
        PlannedCast(producer="x", consumer="c", position=position, bytes=size, **kinds)
        for position, size in ((0, 8), (1, 0), (-1, 8))
    ]
    constants = [ConstantRange(consumer="c", position=1, elements=9, saturated=3, flushed=1)]
    config, remarks = get(MIXED).precision, (_remark("bfloat16_refused"),)
    return DtypePlan(config=config, fetches=(), ops=ops, casts=casts, constants=constants, remarks=remarks)


def test_plans_checks_and_proposals_are_told_in_chinese(evidence):
    words, out = Complete("zh"), io.StringIO()
    console = PlainConsole(file=out, width=300, highlight=False)
    mode, plan = get(MIXED), _plan()
    explain.print_plan(mode, plan, words, console)
    explain.print_difference([mode, mode], [plan, plan.model_copy(update={"ops": plan.ops[:1]})], words, console)
    checks = [Check("machine", ok, "not installed", "see the log") for ok in (True, False, None)]
    doctor.print_checks(checks, words, console)
    about = {"suite": "s", "case": "c", "case_digest": "d", "mode": mode, "run": "r", "revision": None}
    baseline = Baseline(**about, packages={}, reason="why", date="", device="cpu")
    figures, changes = (("casts", 1.0, 2.0),), (remark("interrupted"),) * 20
    proposal = Proposal(baseline, "changed", figures, changes, remark("wrong"))
    approval.print_proposals([proposal], console, words)
    approval.print_left([proposal], "RUN", "changed", console, words)
    approval.print_written(["a"], console, words)
    told = out.getvalue()
    for chinese in ("无法编译", "白名单", "反向 a", "的转换", "屋顶线", "未安装", "参见日志", "被拒绝", "已写入"):
        assert chinese in told, chinese
    assert re.findall("saturated|would|cast|constant|refused|wrote|missing|totals|more", told) == []


@pytest.mark.parametrize("name", ["html", "markdown", "junit"])
@pytest.mark.parametrize("fidelity", [True, False])
def test_a_document_shows_no_english(evidence, name, fidelity, tmp_path):
    if not fidelity:
        evidence = evidence._replace(run=evidence.run.model_copy(update={"fidelity": [], "complete": True}))
    text = formats.exporter(name).write(evidence, tmp_path, Complete("zh")).read_text(encoding="utf-8")
    assert "精度计划与批准的不一致" in text
    if name != "markdown":
        text = re.sub(r"<(style|script|system-out)>.*?</\1>", " ", text, flags=re.S)
    assert _english(re.sub(r"<[^>]*>|&\w+;", " ", text), evidence) == []
