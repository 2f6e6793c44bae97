"""What runs on a card when no mode is named: what its compiler takes."""

import sys

import pytest

import bench
import neural_style
import suites
from harness import modes
from harness.comparisons import calibration
from harness.comparisons import revisions as against
from harness.mission import job
from harness.runs import runner


class Asked(BaseException):
    """What was about to be measured."""


@pytest.fixture
def asked(cards, monkeypatch, tmp_path):
    """Runs bench.py up to where it would measure; returns what that is told first."""

    def stop(*arguments, **_):
        raise Asked(arguments)

    monkeypatch.setattr(runner, "run_suite", stop)
    monkeypatch.setattr(against, "compare", stop)

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["bench.py", *arguments, "--output", str(tmp_path)])
        with pytest.raises(Asked) as stopped:
            bench.main()
        return stopped.value.args[0]

    return run


@pytest.mark.parametrize("name", ["perf", "accuracy", "smoke", "scaling"])
def test_a_suite_leaves_out_what_does_not_compile(asked, name):
    found = [mode.name for mode in asked("--suite", name)[0].modes]
    own = [mode.name for mode in suites.get(name).modes if mode.name != "must_keep_origin_dtype"]
    assert found == (own or ["allow_fp32_to_fp16"])


def test_on_a_host_it_leaves_out_nothing(asked):
    assert asked("--suite", "perf", "--device", "cpu")[0].modes[0].name == "must_keep_origin_dtype"


def test_a_mode_that_is_named_runs(asked):
    (mode,) = asked("--suite", "perf", "--modes", "must_keep_origin_dtype")[0].modes
    assert mode.name == "must_keep_origin_dtype"


def test_one_mode_is_the_reference_mode_of_the_device(asked):
    against_head = ("--suite", "perf", "--against", "HEAD")
    assert asked(*against_head)[1].modes == ["allow_fp32_to_fp16"]
    assert asked(*against_head, "--device", "cpu")[1].modes == ["must_keep_origin_dtype"]
    assert asked(*against_head, "--modes", "force_fp16")[1].modes == ["force_fp16"]


@pytest.mark.parametrize(
    "device, name, mode",
    [("auto", "npu:0", "allow_fp32_to_fp16"), ("npu:1", "npu:1", "allow_fp32_to_fp16"), ("cpu", "cpu", modes.NAMES[0])],
)
def test_a_calibration_is_of_that_mode_and_names_its_device(cards, suite, tmp_path, device, name, mode):
    _, plan = calibration.begin(suite, device, 1, (2, 2), False, tmp_path, "")
    assert (plan.device, plan.mode.name) == (name, mode)


@pytest.mark.parametrize("device, mode", [("auto", "allow_fp32_to_fp16"), ("cpu", "must_keep_origin_dtype")])
def test_a_stylization_is_in_that_mode(cards, picture, tmp_path, device, mode):
    command = ["--content", picture, "--styles", picture, "--output", str(tmp_path / "out.png"), "--device", device]
    assert job.from_options(vars(neural_style.build_parser().parse_args(command))).mode.name == mode
