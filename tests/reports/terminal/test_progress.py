import io
import re

import pytest
from rich.console import Console

from harness.records.events import Phase, Sample
from harness.store.files import slug
from reports.language import Words
from reports.terminal import console
from reports.terminal.console import PlainConsole
from reports.terminal.progress import Progress, duration, sparkline

LONGEST = "allow_mix_precision+matmul32"


def _named(trial, number):
    mode = trial.mode.model_copy(update={"name": LONGEST})
    case = trial.case.model_copy(update={"id": "a-long-name-of-a-portrait-256-noise"})
    return trial.model_copy(update={"id": slug(str(number)), "mode": mode, "case": case, "replicate": number})


def _lines(observer, width):
    """What the terminal shows now."""
    out = PlainConsole(file=io.StringIO(), width=width)
    out.print(observer._draw())
    return out.file.getvalue().splitlines()


def test_elsewhere_than_on_a_terminal_it_is_one_line_a_trial(trial, result, clock):
    out = io.StringIO()
    with Progress(Console(file=out, width=200)) as observer:
        observer.preparing("inputs")
        observer.preparing("machine")
        observer.preparing("plans")
        for number in (1, 2, 3):
            observer.trial_started(trial, number, 3)
            observer.event(trial, Phase(name="first_step"))
            clock.now += 100
            observer.trial_ended(trial, result)
    label = "small  must_keep_origin_dtype  #1: 0.5000 s/step, 12 s in all"
    assert out.getvalue().splitlines() == [
        "planning the card's dtypes",
        "measuring trial 1 of 3",
        f"[1/3] {label}, about 3 min 20 s left",
        f"[2/3] {label}, about 1 min 40 s left",
        f"[3/3] {label}",
    ]


@pytest.mark.parametrize("width", [60, 80])
def test_a_narrow_terminal_shows_mode_replicate_and_what_is_left(trial, result, clock, width):
    observer = Progress(PlainConsole(file=io.StringIO(), width=width, force_terminal=True))
    assert _lines(observer, width) == ["starting, 0 s so far"]
    observer.preparing("plans")
    clock.now = 5.0
    assert _lines(observer, width)[0].startswith("planning the card's dtypes, 5 s so")
    first, second = _named(trial, 7), _named(trial, 12)
    observer.trial_started(first, 7, 40)
    clock.now = 65.0
    observer.trial_ended(first, result)
    observer.trial_started(second, 8, 40)
    observer.event(second, Sample(updates=4, phase="step", seconds=0.5, losses={"total": 1.0}))
    clock.now = 70.0
    heading, _, row, *rest, label, activity, total = _lines(observer, width)
    assert heading.startswith("mode  ") and row.startswith("must_keep_origin_dtype  ")
    assert all("no room for" in line for line in rest)
    assert label.startswith(f"[8/40] {LONGEST} #12  a-long-na") and len(label) <= width
    assert activity == f"    5/{second.case.steps}  0.500 s  ▄"
    # 33 trials of a minute each, of which five seconds are over.
    assert total == "1 min 10 s so far, about 32 min 55 s left"


def test_on_a_terminal_the_table_takes_the_place_of_lines(trial, result):
    out = io.StringIO()
    failed = {"status": "crashed", "reason": "killed"}
    with Progress(PlainConsole(file=out, width=100, force_terminal=True, color_system=None)) as observer:
        for number, changes in enumerate(({}, failed, {"confirmation": True}), 1):
            observer.trial_started(trial, number, 3)
            observer.trial_ended(trial, result.model_copy(update=changes))
        table = _lines(observer, 100)[:3]
    printed = re.sub("\x1b\\[[^a-zA-Z]*[a-zA-Z]", "", out.getvalue()).replace("\r", "\n")
    assert [line.split("  ")[0] for line in printed.splitlines() if "#1: " in line] == ["[2/3] small", "[3/3] small"]
    assert table[2].split()[:3] == ["must_keep_origin_dtype", "1/2", "0.500"]


def test_resumed_trials_do_not_count_into_the_pace(trial, result, clock):
    observer = Progress(PlainConsole(file=io.StringIO(), width=80, force_terminal=True))
    observer.trial_started(trial, 9, 10)
    assert _lines(observer, 80)[-1] == "0 s so far"
    clock.now = 30.0
    observer.trial_ended(trial, result)
    observer.trial_started(trial, 10, 10)
    assert _lines(observer, 80)[-1] == "30 s so far, about 30 s left"


def test_two_trials_at_once_halve_what_is_left(trial, result, clock):
    observer = Progress(PlainConsole(file=io.StringIO(), width=80, force_terminal=True))
    first, second, third = (_named(trial, number) for number in (1, 2, 3))
    observer.trial_started(first, 1, 5)
    clock.now = 1.0
    observer.trial_started(second, 2, 5)
    clock.now = 61.0
    assert _lines(observer, 80)[-1] == "1 min 1 s so far"  # none has ended: nobody knows
    observer.trial_ended(first, result)
    observer.trial_started(third, 3, 5)
    # The second ends at about once, the third in 61 s; two more of 61 s wait; all in two lanes.
    assert _lines(observer, 80)[-1] == "1 min 1 s so far, about 1 min 32 s left"


def test_a_file_gets_no_animation_whatever_the_environment_forces(trial, result, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    stream = io.StringIO()
    monkeypatch.setattr(console.sys, "stderr", stream)
    with Progress() as observer:
        observer.trial_started(trial, 1, 1)
        observer.trial_ended(trial, result)
    assert "\x1b" not in stream.getvalue() and "\r" not in stream.getvalue()
    assert stream.getvalue().count("\n") == 2


def test_durations_are_said_as_people_say_them():
    assert [duration(seconds, Words()) for seconds in (0.4, 61.9, 7260)] == ["0 s", "1 min 1 s", "2 h 1 min"]
    assert duration(61, Words("zh")) == "1 分 1 秒"


def test_the_sparkline_follows_the_steps():
    assert sparkline([1.0, 1.01, 1.0]) == "▄▄▄"
    assert sparkline([1.0, 2.0, 1.5]) == "▁█▅"
