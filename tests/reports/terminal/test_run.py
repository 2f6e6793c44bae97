import io

import pytest
from rich.cells import cell_len
from rich.console import Console

from harness import modes
from harness.records import Run
from harness.runs.summary import growth, summarize
from reports.language import Words
from reports.terminal.console import PlainConsole
from reports.terminal.run import print_run
from tests.builders import MACHINE
from tests.reports.runs import MIXED, REFERENCE


@pytest.fixture
def show(suite, tmp_path):
    def show(*trials, complete=True, width=80, **console):
        run = Run(
            id="tiny-1",
            suite=suite.model_copy(update={"replicates": 2}),
            device="cpu",
            started="2020-01-01T00:00:00+00:00",
            complete=complete,
            environment=MACHINE,
            trials=list(trials),
            summaries=summarize(suite, trials),
        )
        out = io.StringIO()
        print_run(run, tmp_path, console=Console(file=out, width=width, highlight=False, **console))
        return out.getvalue()

    return show


def test_the_tables_hold_what_was_measured(show, result):
    text = show(result)
    row = next(line.split() for line in text.splitlines() if line.strip().startswith("must_keep"))
    assert row == ["must_keep_origin_dtype", "0.500", "–", "1.000", "1.235e+07", "2.346e+07"]
    assert "2.000  0.0038     2.50    0.200   80%  1.50" in text
    assert "picture.png" in text and "run.json" in text


def test_what_a_timing_lacks_is_said_and_marked(show, result):
    unsteady = result.model_copy(update={"steady": False, "drift": 0.05})
    text = show(unsteady, width=200)
    row = next(line.split() for line in text.splitlines() if line.startswith("must_keep"))
    assert row[1:4] == ["0.500", "–", "unsteady"]
    assert (
        "must_keep_origin_dtype: no interval: 1 of at least 2 processes were timed; never steady in 1 of 1 processes; "
        "drift of up to +5.0% in 1 of 1 processes"
    ) in text


def test_the_longest_name_of_a_mode_fits_beside_all_its_figures(suite, result, tmp_path):
    longest = modes.get("allow_mix_precision+matmul32")
    figures = {"step_seconds_low": 1.0, "step_seconds_high": 9.0, "final_loss": 1.2345e8, "true_loss": 1.2345e10}
    (summary,) = summarize(suite, [result])
    row = summary.model_copy(update={"mode": longest.name, "emulated": True, "steady": False, **figures})
    run = Run(
        id="tiny-1", suite=suite.model_copy(update={"modes": (longest,)}), device="cpu", started="", complete=True,
        environment=MACHINE, trials=[result.model_copy(update={"mode": longest.name})], summaries=[row],
    )  # fmt: skip
    out = io.StringIO()
    print_run(run, tmp_path, console=Console(file=out, width=80, highlight=False))
    assert f"{longest.name}  0.500 200.0% emulated 1.000  1.234e+08 ! 1.234e+10\n" in out.getvalue()
    assert "!: the mode reports another loss than its picture has" in out.getvalue()


def test_matrix_product_rates_are_shown_where_measured(show, result):
    assert "matrix products of this device: float32 0.250 TFLOP/s\n" in show(result)
    both = result.model_copy(update={"matmul_tflops_bfloat16": 0.5})
    assert "float32 0.250 TFLOP/s, bfloat16 0.500 TFLOP/s" in show(both)


def test_cases_of_one_mode_share_a_table_and_their_growth_is_told(suite, case, result, tmp_path):
    cases = tuple(
        case.model_copy(
            update={
                "id": f"c{width}",
                "size": width,
                "inputs": case.inputs.model_copy(update={"width": width, "height": 40}),
            }
        )
        for width in (50, 100, 200)
    )
    sized = suite.model_copy(update={"cases": cases})
    trials = [result.model_copy(update={"case": sized.id, "step_seconds": sized.size / 100}) for sized in cases]
    summaries = summarize(sized, trials)
    run = Run(
        id="tiny-1", suite=sized, device="cpu", started="", complete=True, environment=MACHINE, trials=trials,
        summaries=summaries, growth=growth(sized, summaries),
    )  # fmt: skip
    out = io.StringIO()
    print_run(run, tmp_path, console=Console(file=out, width=80, highlight=False))
    text = out.getvalue()
    assert (
        text.count("step s ") == 1
        and text.count("step s:") == 1
        and [line.split()[0] for line in text.splitlines() if line[:1] == "c"][:4]
        == [
            "case",
            "c50",
            "c100",
            "c200",
        ]
    )
    law = "step time grows as pixels ^ 1.00, 95 % interval 1.00 to 1.00; 3 sizes of 2000 to 8000 pixels."
    assert law in text.replace("\n", " ")
    assert "peak memory grows as pixels ^ 0.00" in text


def test_throughput_counts_the_pictures_of_a_batch(suite, result):
    batch = suite.cases[0].model_copy(update={"batch": 3})
    (summary,) = summarize(suite.model_copy(update={"cases": (batch,)}), [result])
    assert summary.images_per_second == 3 / result.step_seconds
    assert summary.megapixels_per_second == pytest.approx(3 * 48 * 40 / result.step_seconds / 1e6)


def test_the_tables_fit_into_80_columns(show, result):
    faster = result.model_copy(update={"replicate": 2, "step_seconds": 0.4})
    for line in show(result, faster).splitlines():
        assert len(line.rstrip()) <= 80 or "/" in line, line


def test_what_was_not_measured_is_a_dash(show, result):
    bare = result.model_copy(update={"step_seconds": None, "timed_steps": 0})
    row = next(line.split() for line in show(bare).splitlines() if line.strip().startswith("must_keep"))
    assert row[1:4] == ["–", "–", "–"]


def test_failures_come_first_with_reason_and_log(show, result):
    failed = result.model_copy(
        update={"replicate": 2, "status": "crashed", "reason": "killed", "log_tail": ("last words",)}
    )
    lines = show(failed, result).splitlines()
    assert lines[0] == "crashed: small.must_keep_origin_dtype.1: killed"
    assert "last words" in lines[1] and "log.txt" in lines[2]


def test_a_run_without_a_good_trial_shows_no_table(show, result):
    assert "step s" not in show(result.model_copy(update={"status": "timed_out", "reason": "slow"}))


def test_an_interrupted_run_says_so(show, result):
    assert "Interrupted: 1 of 2 trials finished and are kept." in show(result, complete=False)


def test_a_run_that_lost_a_trial_does_not_count_it(show, result):
    lost = result.model_copy(update={"replicate": 2, "status": "crashed", "reason": "gone", "result_lost": True})
    assert "Interrupted: 1 of 2 trials finished and are kept." in show(result, lost, complete=False)


def test_markup_in_names_is_shown_as_text(show, result):
    failed = result.model_copy(update={"status": "crashed", "reason": "[bold]x[/bold] [link=a]"})
    assert "[bold]x[/bold] [link=a]" in show(failed, force_terminal=True, color_system=None)


def test_quiet_shows_failures_and_paths_but_no_tables(result, suite, tmp_path):
    failed = result.model_copy(update={"replicate": 2, "status": "crashed", "reason": "killed"})
    run = Run(
        id="tiny-1",
        suite=suite,
        device="cpu",
        started="2020-01-01T00:00:00+00:00",
        complete=True,
        environment=MACHINE,
        trials=[result, failed],
        summaries=summarize(suite, [result, failed]),
    )
    out = io.StringIO()
    print_run(run, tmp_path, quiet=True, console=Console(file=out, width=80))
    assert "killed" in out.getvalue() and "run.json" in out.getvalue() and "ratio" not in out.getvalue()


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("width", [60, 80, 120])
def test_a_whole_run_holds_its_width_and_breaks_no_name(evidence, width, language):
    console = PlainConsole(file=io.StringIO(), width=width, force_terminal=True, color_system=None)
    print_run(evidence.run, evidence.folder, Words(language), console=console)
    text = console.file.getvalue()
    lines = [line for line in text.splitlines() if str(evidence.folder) not in line]
    assert [line for line in lines if cell_len(line) > width] == []
    assert "…" not in "".join(lines) and all(text.count(name) > 3 for name in (REFERENCE, MIXED))


def test_a_pipe_gets_each_row_in_one_line(evidence, capsys):
    print_run(evidence.run, evidence.folder)
    rows = [line for line in capsys.readouterr().out.splitlines() if line.startswith(MIXED)]
    assert "style Gram saturates at relu1_1" in rows[0] and max(map(len, rows)) > 80
