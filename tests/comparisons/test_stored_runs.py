import io
import json
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from harness import modes
from harness.comparisons import stored_runs
from harness.comparisons.stored_runs import Stored
from harness.gates import exit_status
from harness.gates.power_card import Cards
from harness.records import Run
from harness.runs.summary import summarize
from model import images
from reports.language import ENGLISH
from reports.terminal.stored_runs import print_sides
from tests.builders import SLOWER, STEADY, card_of, planned, result, run_of, stepping


@pytest.fixture
def cards(suite, baselines):
    baselines.save_card(card_of(suite))
    return Cards(baselines)


def compare_runs(first, second, cards, folders=(Path(), Path())):
    return stored_runs.compare_runs(*(Stored(run, folder) for run, folder in zip((first, second), folders)), cards)


def _found(verdicts):
    return {verdict.gate: (verdict.outcome, verdict.reason) for verdict in verdicts}


def test_the_second_run_is_judged_against_the_first(suite, cards):
    first, second = stepping(suite, *STEADY), stepping(suite, *SLOWER)
    assert _found(compare_runs(first, second, cards))["timing"] == ("fail", "slower")
    assert _found(compare_runs(second, first, cards))["timing"] == ("pass", "faster")
    assert exit_status.exit_status(compare_runs(first, second, cards)) == 1
    assert exit_status.exit_status(compare_runs(first, first, cards)) == 0


def test_plans_are_compared_where_both_runs_have_them(suite, cards):
    run = stepping(suite, *STEADY)
    changed = planned(run, casts=9)
    assert _found(compare_runs(planned(run), changed, cards))["plan"] == ("fail", "plans_differ")
    assert _found(compare_runs(changed, changed, cards))["plan"] == ("pass", "plans_same")
    assert "plan" not in _found(compare_runs(run, changed, cards))


def test_runs_of_two_machines_are_shown_and_never_gate(suite, cards):
    first, second = stepping(suite, *STEADY), stepping(suite, *SLOWER)
    first.environment.conditions["CPU quota"] = "none"
    equal = {**second.environment.conditions, "CPU quota": "0.5 cores"}
    elsewhere = second.environment.model_copy(update={"machine_key": "there", "conditions": equal})
    verdicts = compare_runs(first, second.model_copy(update={"environment": elsewhere}), cards)
    assert all(verdict.advisory and verdict.reason == "other_machine" for verdict in verdicts)
    (detail,) = {detail for verdict in verdicts for detail in verdict.details}
    assert ENGLISH.remark(detail) == "CPU quota: none there, 0.5 cores here"
    assert exit_status.exit_status(verdicts) == 4


def test_what_only_one_run_has_or_did_not_measure_is_missing(suite, cards):
    (case,) = suite.cases
    run, other = stepping(suite, *STEADY), suite.model_copy(update={"cases": (case.model_copy(update={"steps": 9}),)})
    empty = run.model_copy(update={"trials": []})
    renamed = suite.model_copy(update={"cases": (case.model_copy(update={"id": "new"}),)})
    for second, reasons in (
        (stepping(other, *STEADY), {"cases_differ"}),
        (empty, {"not_measured"}),
        (stepping(renamed, *STEADY), {"only_in_one"}),
    ):
        verdicts = compare_runs(run, second, cards)
        assert {verdict.reason for verdict in verdicts} == reasons
        assert exit_status.exit_status(verdicts) == 4


def test_the_same_file_in_two_checkouts_is_one_mode(suite, cards, tmp_path):
    runs = []
    for checkout in ("here", "there"):
        (tmp_path / checkout).mkdir()
        file = tmp_path / checkout / "dtypes.cfg"
        file.write_text("OpType::MatMulV2:InputDtype:float16,float16,OutputDtype:float32")
        (mode,) = modes.with_options([modes.get("allow_mix_precision")], customize_dtypes=str(file))
        run = stepping(suite.model_copy(update={"modes": (mode,)}), *STEADY)
        runs.append(Run.model_validate_json(run.model_dump_json()))
    assert str(tmp_path / "here") not in runs[0].suite.modes[0].model_dump_json()
    assert "modes_differ" not in {verdict.reason for verdict in compare_runs(*runs, cards)}


LOSSES = {"content": 1.0, "style": 5.0, "tv": 0.5, "total": 6.5}


def _drawn(suite, folder, first=LOSSES, final=LOSSES, level=100, step=1.0):
    """A run of one process that drew a plain picture, and its folder."""
    (case,), (mode,) = suite.cases, suite.modes
    folder.mkdir()
    pixels = np.full((40, 48, 3), level, np.uint8)
    (folder / "picture.png").write_bytes(images.encode(pixels, ".png"))
    sample = {"event": "sample", "updates": 0, "phase": "first", "seconds": 1.0, "losses": first}
    (folder / "samples.jsonl").write_text(json.dumps(sample) + "\n")
    files = {"picture": "picture.png", "picture_sha256": images.digest(pixels), "samples": "samples.jsonl"}
    return run_of(suite, [result(case.id, mode.name, 1, step, final_losses=final, **files)]), folder


def _losses(cards, one, other):
    runs, folders = zip(one, other)
    (verdict,) = [found for found in compare_runs(*runs, cards, folders) if found.gate == "losses"]
    return verdict.outcome, verdict.reason, [ENGLISH.remark(detail) for detail in verdict.details]


def test_losses_and_pictures_answer_at_one_process(suite, cards, tmp_path):
    one = _drawn(suite, tmp_path / "a")
    same = _losses(cards, one, _drawn(suite, tmp_path / "b", step=1.3))
    assert same == ("pass", "losses_same", ["the same picture, pixel by pixel"])
    later = {**LOSSES, "style": 4.0, "total": 5.5}
    outcome, reason, details = _losses(cards, one, _drawn(suite, tmp_path / "c", final=later, level=103))
    assert (outcome, reason, details[0]) == (
        "pass",
        "losses_same",
        "final loss 6.5 in the first run, 5.5 in the second",
    )
    assert details[1].startswith("pictures: SSIM 0.99") and details[1].endswith("moved by 3.00")
    wrong = {**LOSSES, "style": 5.001, "total": 6.501}
    outcome, reason, details = _losses(cards, one, _drawn(suite, tmp_path / "d", first=wrong))
    assert (outcome, reason) == ("fail", "losses_differ")
    assert details[0] == "first step: style loss 5 in the first run, 5.001 in the second"


def test_rounding_of_the_first_step_s_losses_is_no_difference(suite, cards, tmp_path):
    rounded = {**LOSSES, "style": 5.0 * (1 + 2e-6), "tv": 0.5 * (1 - 2e-6)}
    one, other = _drawn(suite, tmp_path / "a"), _drawn(suite, tmp_path / "b", first=rounded)
    assert _losses(cards, one, other)[:2] == ("pass", "losses_same")


def test_a_picture_that_is_not_the_one_that_was_drawn_is_said(suite, cards, tmp_path):
    one, other = _drawn(suite, tmp_path / "a"), _drawn(suite, tmp_path / "b", level=90)
    (tmp_path / "b" / "picture.png").write_bytes(images.encode(np.zeros((40, 48, 3), np.uint8), ".png"))
    assert "not the one that the run drew" in _losses(cards, one, other)[2][-1]


def test_both_sides_figures_are_shown(suite, cards, tmp_path):
    runs = []
    for name, step in (("a", 1.0), ("b", 1.5)):
        run, _ = _drawn(suite, tmp_path / name, step=step)
        runs.append(planned(run.model_copy(update={"summaries": summarize(run.suite, run.trials)}), casts=3))
    console = Console(file=io.StringIO(), width=80)
    print_sides(*runs, console=console)
    lines = [line.strip() for line in console.file.getvalue().splitlines() if line.strip()]
    rows = {line.split("  ")[0]: line.split()[-3:] for line in lines}
    assert rows["step s"] == ["1", "1.5", "+50.0%"]
    assert rows["final loss"] == ["6.5", "6.5", "="] and rows["casts"] == ["3", "3", "="]
