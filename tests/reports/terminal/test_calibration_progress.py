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


def test_what_is_left_is_told_at_the_pace_of_whole_comparisons(trial, result, clock):
    out = io.StringIO()
    with CalibrationProgress(40, console=PlainConsole(file=out, width=200)) as observer:
        observer.decided(10)  # by the process that was interrupted
        for number, head in ((1, 0.51), (2, 0.51), (3, None)):
            for twin in _twins(trial, 11, number):
                observer.trial_started(twin, 11, 40)
            for twin in _twins(trial, 11, number):
                observer.trial_ended(twin, result)
            clock.now += 10
            observer.pair_measured(_pair(11, number, head))
        observer.decided(11)
        clock.now += 10
        observer.pair_measured(_pair(12, 1))
    assert out.getvalue().splitlines() == [
        "[11/40] pair 1: 0.5000 and 0.5100 s/step, 9 s in all",
        "[11/40] pair 2: 0.5000 and 0.5100 s/step, 9 s in all",
        "[11/40] pair 3: 0.5000 and – s/step, 9 s in all",
        "[12/40] pair 1: 0.5000 and 0.5100 s/step, 9 s in all, about 14 min 20 s left",  # 29 of 30 s each, but for 10 s
    ]


def test_a_terminal_shows_both_processes_and_a_file_what_failed(trial, result):
    out = io.StringIO()
    observer = CalibrationProgress(40, console=PlainConsole(file=out, width=80, force_terminal=True))
    base, head = _twins(trial, 3, 2)
    observer.decided(2)
    observer.trial_started(base, 3, 40)
    observer.trial_started(head, 3, 40)
    shown = PlainConsole(file=io.StringIO(), width=80)
    shown.print(observer._draw())
    names = [line for line in shown.file.getvalue().splitlines() if line.startswith("[")]
    assert names == ["[3/40] 3.2.base  small", "[3/40] 3.2.head  small"]
    observer.trial_ended(base, result.model_copy(update={"status": "crashed", "reason": "killed"}))
    assert "[3/40] 3.2.base  small: crashed: killed" in out.getvalue()
