import io

from harness.records import CalibrationPair
from reports.terminal.calibration_progress import CalibrationProgress
from reports.terminal.console import PlainConsole


def _pair(comparison, number, head=0.51):
    return CalibrationPair(
        comparison=comparison,
        number=number,
        wall_seconds=9.4,
        base_seconds=0.5,
        head_seconds=head,
        delayed_seconds=0.525,
    )


def _twins(trial, comparison, number):
    return [trial.model_copy(update={"id": f"{comparison}.{number}.{side}"}) for side in ("base", "head")]


def _left(*measured):
    """What is told of 40 comparisons, a pair each 10 s: by pair its numbers and the counts after it."""
    out = io.StringIO()

    def tell(trial, result, clock):
        with CalibrationProgress(40, console=PlainConsole(file=out, width=200)) as observer:
            (first, *counts), *pairs = measured
            observer.counted(first, *counts)
            for (comparison, number), counts in pairs:
                for twin in _twins(trial, comparison, number):
                    observer.trial_started(twin, comparison, 40)
                for twin in _twins(trial, comparison, number):
                    observer.trial_ended(twin, result)
                clock.now += 10
                observer.counted(*counts)
                observer.pair_measured(_pair(comparison, number))
        return [line.partition("s in all")[2].strip(", ") for line in out.getvalue().splitlines()]

    return tell


def test_what_is_left_is_told_once_a_comparison_says_how_many_pairs_it_takes(trial, result, clock):
    told = _left((0, 0, 0), ((1, 1), (1, 0, 0)), ((1, 2), (2, 0, 0)), ((1, 3), (3, 1, 3)), ((2, 1), (4, 1, 3)))
    # 39 comparisons of three pairs of 10 s, then a pair less.
    assert told(trial, result, clock) == ["", "", "about 19 min 30 s left", "about 19 min 20 s left"]


def test_what_was_measured_before_is_no_part_of_the_pace_and_not_left(trial, result, clock):
    told = _left((32, 10, 30), ((11, 3), (33, 11, 33)), ((12, 1), (34, 11, 33)))
    assert told(trial, result, clock) == ["about 14 min 30 s left", "about 14 min 20 s left"]  # 29 comparisons of 30 s


def test_two_hosts_halve_what_is_left(trial, result, clock):
    told = _left((0, 0, 0), ((1, 1), (2, 0, 0)), ((1, 2), (4, 0, 0)), ((1, 3), (6, 1, 3)))
    assert told(trial, result, clock)[-1] == "about 9 min 30 s left"  # 114 pairs in lanes of two


def test_a_pair_is_a_line_and_a_step_that_never_settled_a_dash(trial, result, clock):
    out = io.StringIO()
    observer = CalibrationProgress(40, console=PlainConsole(file=out, width=200))
    observer.pair_measured(_pair(11, 2))
    observer.pair_measured(_pair(11, 3, head=None))
    assert out.getvalue().splitlines() == [
        "[11/40] pair 2: 0.5000 and 0.5100 s/step, 9 s in all",
        "[11/40] pair 3: 0.5000 and – s/step, 9 s in all",
    ]


def test_a_terminal_shows_both_processes_and_a_file_what_failed(trial, result):
    out = io.StringIO()
    observer = CalibrationProgress(40, console=PlainConsole(file=out, width=80, force_terminal=True))
    base, head = _twins(trial, 3, 2)
    observer.trial_started(base, 3, 40)
    observer.trial_started(head, 3, 40)
    shown = PlainConsole(file=io.StringIO(), width=80)
    shown.print(observer._draw())
    names = [line for line in shown.file.getvalue().splitlines() if line.startswith("[")]
    assert names == ["[3/40] pair 2 base  small", "[3/40] pair 2 head  small"]
    observer.trial_ended(base, result.model_copy(update={"status": "crashed", "reason": "killed"}))
    assert "[3/40] pair 2 base  small: crashed: killed" in out.getvalue()
