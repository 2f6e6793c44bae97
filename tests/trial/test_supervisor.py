import re
import sys
import time

import pytest

from harness import modes
from harness.machine.child import Child
from harness.records import FidelityPlan
from harness.store.run_folder import RunFolder
from harness.trial import supervisor
from harness.trial.supervisor import run_trial
from tests.trial.processes import FINISHED, PHASE, SAMPLE, is_gone


@pytest.fixture
def run_fake(monkeypatch, tmp_path, trial):
    """Runs a trial with a worker that reports these lines and then executes this code."""

    def run(*events, code="", timeout=600.0, device="cpu", hear=lambda event: None):
        reports = "".join(f"print({event!r}, file=pipe); " for event in events)
        opening = "import os, sys, time, signal; pipe = os.fdopen(int(sys.argv[1]), 'w', buffering=1); "
        program = opening + reports + code
        monkeypatch.setattr(supervisor, "WORKER", (sys.executable, "-c", program))
        folder = RunFolder.create(tmp_path / "results", "fake")
        changed = trial.model_copy(update={"device": device})
        return run_trial(changed, folder, timeout, hear), folder.path

    return run


@pytest.fixture
def time_is_up(monkeypatch):
    """Something to hear events with that lets the worker's time be over at the first."""
    running = []

    class Noted(Child):
        def __enter__(self):
            running.append(self)
            return super().__enter__()

    def hear(event):
        running[-1].deadline = time.monotonic()

    monkeypatch.setattr(supervisor, "Child", Noted)
    return hear


def test_a_finished_worker_is_ok(run_fake):
    result, folder = run_fake(PHASE, SAMPLE, SAMPLE, FINISHED)
    assert (result.status, result.reason, result.timed_steps, result.step_seconds) == ("ok", "", 2, 0.5)
    assert result.steady is False  # two steps show no steady state
    assert (folder / result.samples).read_text().count("\n") == 2


def test_the_time_of_the_steady_steps_is_told_apart_from_what_came_before(run_fake):
    first = SAMPLE.replace('"step"', '"first"').replace("0.5", "9.0")
    slow, extra = SAMPLE.replace("0.5", "0.8"), SAMPLE.replace('"step"', '"extra"')
    result, _ = run_fake(first, slow, *[SAMPLE] * 8, *[extra] * 2, FINISHED)
    assert (result.first_step_seconds, result.step_seconds, result.steady) == (9.0, 0.5, True)
    assert (result.warmup_steps, result.timed_steps, result.drift) == (2, 10, 0.0)


def test_a_worker_whose_steps_never_settle_is_ok_and_says_so(run_fake):
    growing = [SAMPLE.replace("0.5", f"{0.5 * 1.1**number:.4f}") for number in range(30)]
    result, _ = run_fake(*growing, FINISHED)
    assert (result.status, result.steady) == ("ok", False)
    assert result.drift > 1


def test_a_worker_that_fails_at_its_end_is_not_ok(run_fake):
    result, _ = run_fake(FINISHED, code="sys.exit(3)")
    assert (result.status, result.reason) == (
        "crashed",
        "the worker ended with exit status 3 after its last report",
    )
    assert result.final_losses is None and result.picture is None


def test_a_crash_keeps_the_samples_and_the_end_of_the_log(run_fake):
    result, folder = run_fake(SAMPLE, code="[print('line', i, flush=True) for i in range(99)]; os.abort()")
    assert (result.status, result.reason) == ("crashed", "the worker was killed by SIGABRT")
    assert (folder / result.samples).read_text().count("\n") == 1 and result.step_seconds is None
    assert result.log_tail[-1] == "line 98" and len(result.log_tail) == supervisor.LOG_TAIL_LINES
    assert (folder / result.log).read_text().startswith("line 0\n")


def test_a_card_that_ends_the_process_refuses_with_its_last_word(run_fake):
    log = r"2022-03-28 11:23:40.07: F ge_plugin.cc:205] [GePlugin] Initialize ge failed, ret : failed\nError Message:\n"
    code = f"os.write(2, b'{log}'); os.abort()"
    result, _ = run_fake(PHASE, code=code, device="npu:0")
    assert result.status == "refused"
    assert result.reason == "npu:0: the adapter gave up: [GePlugin] Initialize ge failed, ret : failed"
    assert run_fake(PHASE, code=code)[0].status == "crashed"
    result, _ = run_fake(PHASE, code="os.abort()", device="npu:0")
    assert (result.status, result.reason) == ("crashed", "the worker was killed by SIGABRT")


def test_a_killed_worker_is_a_crash(run_fake):
    result, _ = run_fake(PHASE, code="os.kill(os.getpid(), signal.SIGKILL)")
    assert (result.status, result.reason) == ("crashed", "the worker was killed by SIGKILL (out of memory?)")


def test_a_worker_that_gives_up_leaves_its_reason_in_the_log(run_fake):
    result, folder = run_fake(PHASE, code="raise OSError('no more\\nof it')")
    assert (result.status, result.reason) == ("crashed", "OSError: no more")
    assert "Traceback" in (folder / result.log).read_text()
    result, _ = run_fake(PHASE, code="sys.exit(7)")
    assert result.reason == "the worker ended with exit status 7 before it had finished"


def test_a_worker_that_a_real_time_signal_kills_is_a_crash(run_fake):
    result, _ = run_fake(PHASE, code="os.kill(os.getpid(), 40)")
    assert (result.status, result.reason) == ("crashed", "the worker was killed by signal 40")


def test_no_timeout_is_too_long(run_fake):
    assert run_fake(PHASE, FINISHED, timeout=1e12)[0].status == "ok"


def test_a_worker_that_hangs_is_killed_with_its_children(run_fake, tmp_path, time_is_up):
    marker = tmp_path / "child"
    child = f"open({str(marker)!r}, 'w').write(str(subprocess.Popen(['sleep', '600']).pid))"
    code = f"import subprocess; {child}; print({PHASE!r}, file=pipe); time.sleep(600)"
    result, _ = run_fake(code=code, hear=time_is_up)
    assert (result.status, result.reason) == ("timed_out", "not finished after 600 s (see --timeout)")
    assert is_gone(int(marker.read_text()))


def test_of_100_megabytes_of_log_the_beginning_and_the_end_are_kept(run_fake):
    code = "print('first'); [print('x' * 99) for i in range(10**6)]; print('last'); sys.stdout.flush(); os.abort()"
    result, folder = run_fake(PHASE, code=code)
    assert (result.status, result.log_tail[-1]) == ("crashed", "last")
    log = (folder / result.log).read_bytes()
    head, left_out, tail = re.fullmatch(rb"(.*)\n\[(\d+) bytes left out\]\n(.*)", log, re.S).groups()
    assert head.startswith(b"first\n") and tail.endswith(b"last\n")
    assert len(head) + int(left_out) + len(tail) == len("first\nlast\n") + 100 * 10**6
    assert len(log) < 4 * 2**20


def test_what_a_worker_leaves_behind_is_ended_and_keeps_nobody_waiting(run_fake, tmp_path):
    marker = tmp_path / "child"
    code = f"import subprocess; open({str(marker)!r}, 'w').write(str(subprocess.Popen(['sleep', '600']).pid))"
    result, _ = run_fake(PHASE, FINISHED, code=code)
    assert result.status == "ok"
    assert is_gone(int(marker.read_text()))


def test_a_worker_that_hangs_after_its_last_word_is_killed(run_fake, time_is_up):
    result, _ = run_fake(FINISHED, code="pipe.close(); time.sleep(600)", hear=time_is_up)
    assert result.status == "timed_out"


def test_a_torn_last_line_is_forgiven_and_the_crash_is_named(run_fake):
    result, folder = run_fake(SAMPLE, code='pipe.write(\'{"event": "sam\'); pipe.flush(); os.kill(os.getpid(), 9)')
    assert result.status == "crashed"
    assert (folder / result.samples).read_text().count("\n") == 1
    assert "SIGKILL" in result.reason


def test_a_whole_line_that_is_no_event_is_a_crash(run_fake):
    result, _ = run_fake("hello", code="time.sleep(600)")
    assert result.status == "crashed"
    assert result.reason.startswith("the worker reported something unreadable")


def test_divergence_and_refusal_keep_their_reasons(run_fake):
    diverged, _ = run_fake('{"event": "diverged", "updates": 3, "losses": {"style": "nan", "total": "nan"}}')
    assert (diverged.status, diverged.reason) == (
        "diverged",
        "the loss is not finite after 3 updates: style nan, total nan",
    )
    refused, _ = run_fake('{"event": "refused", "reason": "no such card"}')
    assert (refused.status, refused.reason) == ("refused", "no such card")


@pytest.mark.parametrize(
    "device, mode, fidelity, is_timed",
    [
        ("cpu", "must_keep_origin_dtype", None, True),
        ("cpu", "allow_mix_precision_bf16", None, True),
        ("cpu", "force_fp16", None, False),
        ("auto", "allow_mix_precision+matmul32", None, False),
        ("cpu", "must_keep_origin_dtype", FidelityPlan(), False),
        ("cpu:1", "force_fp16", None, True),  # TensorFlow finds its core when it starts
        ("npu:0", "force_fp16", None, True),
        ("npu", "must_keep_origin_dtype", FidelityPlan(), True),
    ],
)
def test_nothing_is_forked_that_is_timed_or_uses_a_card(monkeypatch, trial, tmp_path, device, mode, fidelity, is_timed):
    asked = []

    class Asked(supervisor.Child):
        def __init__(self, *arguments, is_timed):
            asked.append(is_timed)
            super().__init__([sys.executable, "-c", "pass"], *arguments[1:])

    monkeypatch.setattr(supervisor, "Child", Asked)
    changed = trial.model_copy(update={"device": device, "mode": modes.get(mode), "fidelity": fidelity})
    run_trial(changed, RunFolder.create(tmp_path / "results", "tests"), 60, lambda event: None)
    in_turns = changed.model_copy(update={"turns": str(tmp_path / "turns")})
    run_trial(in_turns, RunFolder.create(tmp_path / "results", "tests"), 60, lambda event: None)
    assert asked == [is_timed, True]
