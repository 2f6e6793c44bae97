"""The command blame, with a search that finds at once: what it keeps, prints, and how it ends."""

import json
import shlex
import sys

import pytest

import bench
from harness.blame.messages import Answer, Attempt, Score
from harness.records import Blame, GraphBlame
from tests.check import graphs
from tests.commands.test_request import request_of

DTYPES = "gram_relu1_1/MatMul::InputDtype:float16,float16,OutputDtype:float32"
WRONG = Score(ops=(), blocks=(), distance=0.5, true_loss_ratio=100.0, fit=False)
MANY = Score(
    ops=("a", "b"), blocks=("gram",), distance=0.01, true_loss_ratio=1.0, fit=True, customize_dtypes=DTYPES * 2
)
FEW = MANY.model_copy(update={"ops": ("a",), "customize_dtypes": DTYPES})


@pytest.fixture
def blame(monkeypatch, capsys, tmp_path, picture, style):
    """Runs the command on small pictures; the search says these things, and then ends so."""
    monkeypatch.chdir(tmp_path)
    asked = []

    def run(answers, end, *arguments):
        def search(question, hear):
            asked.append(question)
            for answer in answers:
                hear(answer)
            if isinstance(end, BaseException):
                raise end
            return end(question)

        monkeypatch.setattr("harness.blame.search.blame", search)
        pictures = ("--content", picture, "--styles", style, "--size", "48", "--network", "synthetic-narrow")
        monkeypatch.setattr(sys, "argv", ["bench.py", "blame", *arguments, *pictures, "--lang", "en"])
        status = bench.main()
        printed = capsys.readouterr()
        return status, printed.out, printed.err, asked

    return run


def found(question):
    return Blame(
        case=question.case.id,
        mode=question.mode.name,
        steps=question.case.steps,
        size=48,
        fit_before=False,
        blocks=("gram_relu1_1/MatMul",),
        fit_after=True,
        customize_dtypes=DTYPES,
    )


def test_the_command_it_prints_draws_the_same_case_with_what_was_found(blame, tmp_path):
    status, out, _, (question,) = blame([], found, "allow_mix_precision", "--steps", "7")
    assert status == 0
    (line,) = [line for line in out.splitlines() if line.startswith("    python bench.py ")]
    suite = request_of(*shlex.split(line)[2:]).chosen_suite("cpu")
    (case,) = suite.cases
    same = {"content", "styles", "size", "steps", "initial", "noise_blend", "seed", "settings", "network"}
    assert case.model_dump(include=same) == question.case.model_dump(include=same)
    assert [mode.name for mode in suite.modes] == ["must_keep_origin_dtype", "allow_mix_precision+float32.cfg"]
    assert [entry.key for entry in suite.modes[1].precision.custom_dtypes] == ["gram_relu1_1/MatMul"]


def test_every_set_is_kept_when_it_is_known(blame, tmp_path):
    answers = [Answer(phase="noise"), *(Answer(score=score) for score in (WRONG, MANY, FEW))]
    status, out, err, _ = blame(answers, KeyboardInterrupt(), "force_fp16")
    assert status == 130
    (folder,) = (tmp_path / "results").iterdir()
    lines = [json.loads(line) for line in (folder / "journal.jsonl").read_text().splitlines()]
    assert [(line["ops"], line["fit"]) for line in lines] == [([], False), (["a", "b"], True), (["a"], True)]
    assert (folder / "float32.cfg").read_text() == DTYPES
    where = f"results/{folder.name}"
    assert f"The search was stopped; sets tried: 3, kept in {where}/journal.jsonl." in out
    assert f"With these 1 ops in float32 the mode is fit, maybe with fewer: {where}/float32.cfg" in out


def test_each_line_says_what_was_tried_its_verdict_and_how_many_are_left(blame):
    answers = [
        Answer(phase="reference"),
        Answer(attempt=Attempt(blocks=())),
        Answer(score=WRONG),
        Answer(attempt=Attempt(blocks=("gram",), stage=1, left=9)),
        Answer(score=MANY),
    ]
    _, _, err, _ = blame(answers, found, "force_fp16")
    assert err.splitlines() == [
        "force_fp16: drawing the float32 picture",
        "[1] wrong  SSIM 0.5000  nothing in float32  first the whole",
        "[2] fit  SSIM 0.9900  gram in float32  stage 1 of 4, kinds of blocks, at most 9 more in it",
    ]


def test_several_modes_are_searched_one_after_the_other(blame, tmp_path):
    status, out, _, asked = blame([], found, "--modes", "force_fp16, allow_mix_precision")
    assert (status, [question.mode.name for question in asked]) == (0, ["force_fp16", "allow_mix_precision"])
    assert len(list((tmp_path / "results").glob("*/blame.json"))) == 2


@pytest.mark.parametrize("arguments", [(), ("force_fp16", "--modes", "allow_mix_precision")])
def test_modes_are_named_in_one_way(blame, arguments):
    status, out, err, _ = blame([], found, *arguments)
    assert (status, out) == (2, "") and "blame: expected a MODE, or --modes A,B" in err


@pytest.fixture
def faulty(monkeypatch, capsys, tmp_path):
    """Path of a graph with a fault, and what searches it with these options."""
    path = graphs.save(tmp_path / "faulty.pb", graphs.far_divisor)

    def run(*arguments):
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "argv", ["bench.py", "blame", "allow_mix_precision", *arguments, "--lang", "en"])
        status = bench.main()
        printed = capsys.readouterr()
        return status, printed.out, printed.err

    return path, run


def test_a_graph_is_blamed_and_what_is_found_mends_it(faulty, monkeypatch, capsys, tmp_path):
    path, run = faulty
    status, out, err = run("--graph", path, "--samples", "2")
    assert status == 0 and "\n    mean/quotient\n" in out and "[2] fit" in err
    (folder,) = (tmp_path / "results").iterdir()
    assert (folder / "float32.cfg").read_text().startswith("mean/quotient::InputDtype:float32,float32,")
    found = GraphBlame.model_validate_json((folder / "blame.json").read_text())
    assert found.options == ("--graph", path, "--samples", "2") and found.after.fitness == "fit"
    (command,) = [line for line in out.splitlines() if line.startswith("    python bench.py check ")]
    monkeypatch.setattr(sys, "argv", [*shlex.split(command)[1:], "--require-fit", "--lang", "en"])
    assert bench.main() == 0
    assert "allow_mix_precision+float32.cfg" in capsys.readouterr().out


@pytest.mark.parametrize("limit, status, told", [("1", 3, ""), ("2", 0, "With these 1 ops in float32 the mode is fit")])
def test_a_search_ends_after_as_many_tries_as_it_may_make(faulty, limit, status, told, monkeypatch):
    path, run = faulty
    answers = [Answer(attempt=Attempt(blocks=())), Answer(score=WRONG), Answer(attempt=Attempt(blocks=("mean",)))]
    answers += [Answer(score=FEW), Answer(attempt=Attempt(blocks=("last",))), Answer(score=WRONG)]

    def search(question, hear):
        for answer in answers:
            hear(answer)
        raise AssertionError("it goes on")

    monkeypatch.setattr("harness.check.blaming.blame", search)
    ended, out, _ = run("--graph", path, "--tries", limit)
    assert ended == status and f"sets tried: {limit}," in out and told in out


@pytest.mark.parametrize(
    "arguments, message",
    [
        (("--graph", "{path}", "--size", "48"), "--size: it is of the style step (expected no --graph beside it)"),
        (("--fetch", "out"), "--fetch: it is of --graph (expected --graph FILE beside it)"),
        (("--range", "0..1"), "--range: it is of --graph (expected --graph FILE beside it)"),
        (("--graph", "none.pb"), "graph none.pb: no such file"),
    ],
)
def test_options_of_pictures_and_of_graphs_do_not_mix(faulty, arguments, message):
    path, run = faulty
    status, out, err = run(*(argument.format(path=path) for argument in arguments))
    assert (status, out, err.count("\n")) == (2, "", 1) and message in err
