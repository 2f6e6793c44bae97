"""The command choose, around a run and a search that end at once: what it asks for, keeps, shows, and how it ends."""

import json
import sys
from types import SimpleNamespace

import pytest

import bench
from harness.blame.messages import Answer, Score
from harness.precision import load_config
from harness.records import Blame, CasePlan
from tests.reports.runs import MIXED, REFERENCE, _plan, make_run

RIGHT = "allow_mix_precision+matmul32"
DTYPES = "gram_relu1_1/MatMul::InputDtype:float16,float16,OutputDtype:float32"
FLOORS = {
    REFERENCE: 1e-4,
    RIGHT: 2e-3,
    MIXED: 5e-4,
    f"{MIXED}+float32.cfg": 1e-3,
    f"{RIGHT}+float32.cfg": 1e-3,
}


def plan_of(mode, refused=()):
    return _plan().model_copy(update={"roofline_seconds": FLOORS[mode], "refused": refused})


@pytest.fixture
def choose(monkeypatch, capsys, tmp_path, case, picture, style):
    """Runs the command; its run is a made one, in which one mode is wrong, another right, and one for no card."""
    monkeypatch.chdir(tmp_path)
    asked = SimpleNamespace(suites=[], questions=[])

    def run_suite(suite, *arguments, **options):
        asked.suites.append(suite)
        made = make_run(tmp_path / "results" / "run", case, names=(REFERENCE, MIXED, RIGHT), **asked.changes)
        judged = [
            item.model_copy(update={"fitness": "wrong" if item.mode in asked.wrong else "fit"})
            for item in made.run.fidelity
        ]
        plans = [
            CasePlan(case=case.id, mode=name, figures=plan_of(name, ("conv1_1",) if name == REFERENCE else ()))
            for name in (REFERENCE, MIXED, RIGHT)
        ]
        return made.run.model_copy(update={"fidelity": judged, "verdicts": [], "plans": plans}), made.folder

    def search(question, hear):
        asked.questions.append(question)
        score = Score(ops=("a",), blocks=("gram",), distance=0, true_loss_ratio=1, fit=True, customize_dtypes=DTYPES)
        hear(Answer(score=score))
        if isinstance(asked.end, BaseException):
            raise asked.end
        return Blame(case="c", mode=MIXED, steps=12, size=96, fit_before=False, **asked.end)

    monkeypatch.setattr("harness.runs.runner.run_suite", run_suite)
    monkeypatch.setattr("harness.gates.gate.judged", lambda run, *arguments: run)
    monkeypatch.setattr("harness.blame.search.blame", search)
    monkeypatch.setattr("harness.plans.explain.explain", lambda question: [mode.name for mode in question.modes])
    monkeypatch.setattr("harness.plans.figures.figures", plan_of)
    found = {"blocks": ("gram_relu1_1/MatMul",), "fit_after": True, "customize_dtypes": DTYPES}

    def run(*arguments, end=found, wrong=(MIXED,), **changes):
        asked.end, asked.wrong, asked.changes = end, wrong, changes
        pictures = ("--content", picture, "--styles", style, "--lang", "en", "--report", "none")
        monkeypatch.setattr(sys, "argv", ["bench.py", "choose", *pictures, *arguments])
        status = bench.main()
        printed = capsys.readouterr()
        return status, printed.out, printed.err, asked

    return run


def test_what_may_be_used_comes_last_the_quickest_first_with_its_file(choose, tmp_path):
    status, out, err, asked = choose()
    assert status == 0
    assert err.splitlines()[:3] == [
        "Drawing 5 modes at 96 pixels, 8 steps; then looking, for 120 s at most, for what spoils the wrong ones.",
        "It takes a few minutes.",
        "The answer on each mode comes first; a search that is interrupted keeps what it has found.",
    ]
    assert [question.mode.name for question in asked.questions] == [MIXED]
    assert out[out.index("Ready for the card") :].splitlines() == [
        "Ready for the card, the quickest first:",
        f"{MIXED}: right with 1 ops in float32, at least 1.000 ms a step",
        f"    precision_mode={MIXED}  customize_dtypes=results/run/blame/{MIXED}/float32.cfg",
        f"{RIGHT}: right as it is, at least 2.000 ms a step",
        f"    precision_mode={MIXED}  customize_dtypes=results/run/{RIGHT}.cfg",
    ]
    assert "Take " in out and "gate:" not in out  # what the gates say, and more figures, are on the page
    own = load_config(MIXED, custom_dtypes=tmp_path / "results" / "run" / f"{RIGHT}.cfg")
    assert own.custom_dtypes == load_config(RIGHT).custom_dtypes


def test_the_page_says_it_too(choose, tmp_path):
    status, out, _, _ = choose("--report", "html")
    page = (tmp_path / "results" / "run" / "report.html").read_text(encoding="utf-8")
    assert status == 0 and out.count("report.html") == 1
    assert "right with 1 ops in float32" in page and "<li>gram_relu1_1/MatMul</li>" in page
    assert not list(tmp_path.glob("results/run/blame/*/blame.html"))


def test_the_case_is_ones_own_and_drawn_once(choose, picture, style):
    _, _, err, asked = choose("--size", "192", "--steps", "16", "--init", "noise", "--modes", MIXED)
    (suite,) = asked.suites
    (case,) = suite.cases
    assert (case.content, case.styles, case.size, case.steps, case.initial) == (picture, (style,), 192, 16, "noise")
    assert [mode.name for mode in suite.modes] == [REFERENCE, MIXED] and suite.fidelity is not None
    assert "This is 8.0 times the work of the default size and steps, which take a few minutes." in err


def test_a_mode_that_nothing_mends_is_not_ready(choose):
    status, out, _, _ = choose(end={})
    assert status == 0 and f"{MIXED} is wrong at 96 pixels and 12 steps, and stays so" in out
    assert f"{MIXED}:" not in out[out.index("Ready for the card") :]


def test_what_mended_one_mode_is_tried_first_on_the_next(choose):
    _, _, _, asked = choose(wrong=(MIXED, RIGHT))
    assert [question.mode.name for question in asked.questions] == [MIXED, RIGHT]
    assert [question.hints for question in asked.questions] == [(), (("gram_relu1_1/MatMul",),)]


def test_an_interrupted_search_keeps_the_answers_so_far(choose, tmp_path):
    status, out, _, _ = choose(end=KeyboardInterrupt())
    assert status == 130 and "The search was stopped; sets tried: 1, kept in results/run/blame/" in out
    assert (tmp_path / "results" / "run" / "blame" / MIXED / "float32.cfg").read_text() == DTYPES
    assert (tmp_path / "results" / "run" / "run.json").exists()


def test_an_interrupted_run_is_not_searched(choose):
    status, _, _, asked = choose(complete=False)
    assert (status, asked.questions) == (130, [])


def test_the_answer_for_programs_is_alone_on_standard_output(choose):
    status, out, err, _ = choose("--json")
    answer = json.loads(out)
    assert (status, answer["exit_status"]) == (0, 0) and "Ready for the card" in err
    assert {row["mode"]: row["right"] for row in answer["table"]} == {REFERENCE: True, MIXED: False, RIGHT: True}
    assert [(each["mode"], each["file"]) for each in answer["ready"]] == [
        (MIXED, f"blame/{MIXED}/float32.cfg"),
        (RIGHT, f"{RIGHT}.cfg"),
    ]


def test_a_card_cannot_draw_the_float32_picture(choose, cards):
    status, out, err, _ = choose("--device", "npu:0")
    assert (status, out) == (2, "") and "expected cpu or gpu" in err


def test_a_picture_that_is_not_there_is_refused_before_anything_is_told(choose):
    status, out, err, asked = choose("--content", "none.jpg")
    assert (status, out, err) == (2, "", "bench.py: picture none.jpg: no such file\n")
    assert asked.suites == []


def test_a_mode_that_cannot_become_the_quickest_is_not_searched(choose, monkeypatch):
    monkeypatch.setitem(FLOORS, MIXED, 3e-3)
    status, out, _, asked = choose()
    assert (status, asked.questions) == (0, [])
    assert f"No quicker on the card than what is right, so not mended: {MIXED}" in out


def test_a_search_whose_time_is_up_ends_and_keeps_what_it_has(choose, tmp_path, monkeypatch):
    times = iter([0.0, 0.0, 9.0])  # begin, before the search, at its first finding
    monkeypatch.setattr("time.monotonic", lambda: next(times, 9.0))
    status, out, _, _ = choose("--search", "5")
    assert status == 0 and f"{MIXED}: right with 1 ops in float32" in out[out.index("Ready for the card") :]
    assert (tmp_path / "results" / "run" / "blame" / MIXED / "float32.cfg").read_text() == DTYPES


def test_without_time_to_search_nothing_is_searched_and_that_is_said(choose):
    status, out, _, asked = choose("--search", "0")
    assert (status, asked.questions) == (0, [])
    assert f"Not mended within 0 s: {MIXED}; --search gives more time" in out
