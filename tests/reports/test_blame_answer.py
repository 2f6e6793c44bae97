"""The answer of a search for a cause: its words, on a terminal, on a page of its own, and on the page of a run."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from harness.blame.findings import Findings
from harness.blame.messages import Score
from harness.records import Blame, Choice, Ready
from harness.store.files import save_readable
from harness.store.run_folder import RunFolder
from reports.blame_answer import answers, of_pictures, of_stopped, tried_table
from reports.html import page
from reports.html.blame_page import render_blame
from reports.language import ENGLISH
from reports.stored_run import CHOICE, Evidence
from reports.terminal.blame_answer import print_answer
from tests.reports.runs import MIXED, make_run

DTYPES = "gram_relu1_1/MatMul::InputDtype:float16,float16,OutputDtype:float32"
OPS = ("gram_relu1_1/MatMul", "gram_relu2_1/MatMul")
AS_IT_IS = Score(ops=(), blocks=(), distance=0.5, true_loss_ratio=93.0, fit=False)
FITTING = Score(ops=OPS, blocks=("gram",), distance=0.001, true_loss_ratio=1.0, fit=True, customize_dtypes=DTYPES)


@pytest.fixture
def found():
    return Blame(
        case="small",
        mode=MIXED,
        steps=10,
        size=64,
        fit_before=False,
        blocks=OPS,
        fit_after=True,
        scores=(((), 0.5, 93.0, False), (("a", "b", "c", "d", "e"), 0.001, 1.0, True)),
        customize_dtypes=DTYPES,
        command=("python", "bench.py", "--suite", "a b"),
    )


def printed(answer):
    console = Console(file=io.StringIO(), width=200, color_system=None)
    print_answer(answer, console)
    return console.file.getvalue()


def test_it_names_the_ops_their_file_and_the_command_that_judges_it(found):
    def text(**changes):
        return printed(of_pictures(found.model_copy(update=changes), Path("float32.cfg"), ENGLISH))

    assert text().splitlines() == [
        f"{MIXED} is wrong at 64 pixels and 10 steps. It is fit with these ops in float32:",
        *(f"    {op}" for op in OPS),
        "2 sets were tried. Without any one of these ops it is wrong again.",
        "customize_dtypes file: float32.cfg; judge it with",
        "    python bench.py --suite 'a b' --customize-dtypes float32.cfg",
    ]
    assert "nothing to blame" in text(fit_before=True) and "float32.cfg" not in text(fit_before=True)
    assert "hint alone" in text(neutral=False)
    assert "stays so with every op in float32" in text(blocks=())
    assert text(command=()).endswith("file: float32.cfg\n")


def test_every_set_that_was_tried_is_a_row(found):
    table = tried_table(of_pictures(found, Path("float32.cfg"), ENGLISH), ENGLISH)
    assert [column.cells for column in (table.names, *table.columns)] == [
        ("1", "2"),
        ("nothing", "a, b, c and 2 more"),
        ("no", "yes"),
        ("0.5000", "0.9990"),
        ("93", "1"),
    ]


def test_of_a_graph_a_row_has_the_distance_and_its_limit():
    score = FITTING.model_copy(update={"true_loss_ratio": None, "limit": 0.01})
    table = tried_table(of_stopped(MIXED, "g.pb", [score], Path("float32.cfg"), ENGLISH), ENGLISH)
    assert [column.heading for column in table.columns] == ["in float32", "right?", "distance", "limit"]
    assert [column.cells[0] for column in table.columns] == ["gram", "yes", "0.001", "0.01"]


def test_a_search_that_was_stopped_has_the_smallest_fitting_set_so_far():
    larger = FITTING.model_copy(update={"ops": (*OPS, "third")})
    answer = of_stopped(MIXED, "small", [AS_IT_IS, larger, FITTING], Path("float32.cfg"), ENGLISH)
    assert (answer.ops, answer.customize_dtypes) == (OPS, DTYPES)
    assert "the search was stopped; sets tried: 3." in printed(answer)
    assert of_stopped(MIXED, "small", [AS_IT_IS], Path("float32.cfg"), ENGLISH).ops == ()


def test_its_page_has_the_ops_the_file_the_command_and_the_sets(found):
    text = render_blame(of_pictures(found, Path("float32.cfg"), ENGLISH), ENGLISH).decode()
    for part in (*OPS, DTYPES, "&#39;a b&#39;", "--customize-dtypes</span> float32.cfg", "a, b, c and 2 more"):
        assert part in text, part


@pytest.fixture
def chosen(tmp_path, case, found):
    """The folder of a run whose wrong mode was searched, with what may be used."""
    folder = make_run(tmp_path / "run", case).folder
    home = RunFolder(folder / "blame" / MIXED)
    home.path.mkdir(parents=True)
    findings = Findings(home)
    for score in (AS_IT_IS, FITTING):
        findings.add(score)
    ready = Ready(mode=MIXED, precision_mode=MIXED, file=f"blame/{MIXED}/float32.cfg", ops=OPS, floor_seconds=1e-3)
    save_readable(folder / CHOICE, Choice(ready=(ready,), left=("force_fp16",), search_seconds=60.0))
    return folder, findings


def test_the_page_of_a_run_says_what_may_be_used_and_what_the_searches_found(chosen, found):
    folder, findings = chosen
    findings.finish(found)
    text = page.render(Evidence.load(folder), ENGLISH).decode()
    for part in (
        "Ready for the card, the quickest first:",
        "right with 2 ops in float32, at least 1.000 ms a step",
        f"precision_mode={MIXED}  customize_dtypes={folder}/blame/{MIXED}/float32.cfg",
        "Not mended within 60 s: force_fp16",
        "It is fit with these ops in float32:",
        f"<li>{OPS[0]}</li>",
    ):
        assert part in text, part


def test_a_search_without_an_answer_is_shown_from_its_journal(chosen):
    folder, _ = chosen
    (answer,) = answers(Evidence.load(folder), ENGLISH)
    assert answer.ops == OPS and len(answer.tried) == 2


def test_what_cannot_be_read_is_left_out(chosen):
    folder, findings = chosen
    (folder / CHOICE).write_text("{")
    (findings.file.parent / "blame.json").write_text('{"schema_version": 1}')
    evidence = Evidence.load(folder)
    assert evidence.choice is None and answers(evidence, ENGLISH) == []
    assert "Ready for the card" not in page.render(evidence, ENGLISH).decode()
