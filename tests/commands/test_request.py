"""One value for all options of bench.py: none is forgotten on the way."""

import os
from dataclasses import fields

import click
import pytest

import bench
from harness.commands.options import SECTIONS
from harness.commands.request import Request
from harness.errors import UsageError


def request_of(*arguments):
    return Request.from_context(bench.cli.make_context("bench.py", list(arguments)))


def test_every_option_is_a_field_and_every_field_an_option():
    options = {parameter.name for parameter in bench.cli.params} - {"version"}
    assert {field.name for field in fields(Request)} - {"given"} == options
    assert len(options) == sum(map(len, SECTIONS.values()))


CHANGES = [
    "--content {picture}", "--styles {picture}", "--size 40", "--steps 33", "--init noise", "--seed 5", "--batch 2",
    "--network synthetic-narrow", "--modes force_fp16", "--mixlist {mixlist}", "--customize-dtypes {dtypes}",
    "--fusion-switch {switch}", "--cann early_2022",
    "--loss-scale 2", "--overflow ieee", "--emit native", "--npu-option deterministic=1", "--replicates 2",
    "--max-replicates 9", "--half-width 0.5", "--budget 7", "--timeout 8", "--gate",
]  # fmt: skip
ELSEWHERE = {
    "suite", "resume", "against", "pairs", "plan_only", "data_path", "device", "health", "require_fit", "inconclusive",
    "advisory", "baselines", "output", "report", "lang", "json", "quiet", "case", "op_table", "hosts",
}  # fmt: skip
"""What decides no figure of the suite: tested where it is used."""


@pytest.mark.parametrize("option", CHANGES)
def test_an_option_changes_the_suite_that_is_run(option, tmp_path, picture):
    (tmp_path / "mix.json").write_text('{"black-list": {"to-add": ["Mul"]}}')
    (tmp_path / "dtypes.cfg").write_text("OpType::Mul:InputDtype:float32,float32,OutputDtype:float32")
    (tmp_path / "switch.cfg").write_text("RealDiv2MulsFusionPass:off")
    files = {"picture": picture, "mixlist": tmp_path / "mix.json", "dtypes": tmp_path / "dtypes.cfg"}
    files["switch"] = tmp_path / "switch.cfg"
    request = request_of("--suite", "perf", *option.format(**files).split())
    assert request.chosen_suite("cpu") != request_of("--suite", "perf").chosen_suite("cpu")


def test_no_option_is_in_neither_list():
    tried = {option.split()[0][2:].replace("-", "_") for option in CHANGES}
    assert tried | ELSEWHERE == {field.name for field in fields(Request)} - {"given"} and not tried & ELSEWHERE


def test_what_another_tree_gets_names_files_by_absolute_paths(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("my.ini", "a.png", "noise", "synthetic", "cpu", "12"):  # some are words too
        (tmp_path / name).touch()
    arguments = "--init noise --network synthetic --device cpu --steps 12 --npu-option op_precision_mode=my.ini"
    request = request_of("--suite", "perf", "--against", "HEAD", "--content", "a.png", *arguments.split())
    here = os.getcwd()
    assert request.for_another_tree() == [
        *("--content", os.path.join(here, "a.png"), "--steps", "12", "--init", "noise", "--network", "synthetic"),
        *("--device", "cpu", "--npu-option", f"op_precision_mode={os.path.join(here, 'my.ini')}"),
    ]


@pytest.mark.parametrize(
    "arguments, part",
    [
        ("--resume somewhere --steps 4", "--resume takes no --steps"),
        ("--suite perf --resume somewhere", "expected --suite NAME, --resume RUN or a command"),
        ("--suite perf --against HEAD --max-replicates 4", "--against takes no --max-replicates"),
        ("--suite perf --against HEAD --plan-only", "--against takes no --plan-only"),
        ("--suite perf --pairs 3", "--pairs is of --against"),
    ],
)
def test_options_that_contradict_each_other_are_refused(arguments, part):
    with pytest.raises(click.UsageError, match=part):
        request_of(*arguments.split()).check()


def test_what_a_suite_has_no_use_for_is_refused():
    with pytest.raises(UsageError, match="--require-fit: suite perf judges no pictures"):
        request_of("--suite", "perf", "--require-fit").chosen_suite("cpu")


def test_cases_are_chosen_before_options_change_them():
    request = request_of("--suite", "scaling", "--case", "astronaut-64, astronaut-96", "--steps", "3")
    assert [(case.id, case.steps) for case in request.chosen_suite("cpu").cases] == [
        ("astronaut-64", 3),
        ("astronaut-96", 3),
    ]


def test_a_list_of_modes_may_have_blanks_and_name_one_twice():
    request = request_of("--suite", "perf", "--modes", "force_fp16, allow_mix_precision ,allow_mix_precision_fp16")
    assert [mode.name for mode in request.chosen_suite("cpu").modes] == ["force_fp16", "allow_mix_precision"]


def test_help_shows_every_option_once_under_its_heading():
    text = bench.cli.make_context("bench.py", [], resilient_parsing=True).get_help()
    for heading in SECTIONS:
        assert f"\n{heading}:\n" in text
    for parameter in bench.cli.params:
        assert sum(line.split()[0] == parameter.opts[0] for line in text.splitlines() if line.startswith("  --")) == 1
