import os
import sys
import time

import psutil
import pytest

from harness import runner
from harness.records import Suite, TrialResult
from harness.runner import balanced_order, run_suite, run_trial
from harness.store import RunFolder

PHASE = '{"event": "phase", "name": "graph"}'
SAMPLE = '{"event": "sample", "updates": 0, "phase": "timed", "seconds": 0.5, "losses": {"total": 1.0}}'
FINISHED = (
    '{"event": "finished", "startup_seconds": 1.0, "final_losses": {"total": 1.0}, "true_losses": {"total": 1.0},'
    ' "step_flop": 10, "matmul_tflops": 0.1, "peak_memory_bytes": 100}'
)


@pytest.fixture
def run_fake(monkeypatch, tmp_path, trial):
    """Runs a trial with a worker that reports these lines and then executes this code."""

    def run(*events, code="", timeout=30.0):
        reports = "".join(f"print({event!r}, file=pipe); " for event in events)
        opening = "import os, sys, time, signal; pipe = os.fdopen(int(sys.argv[1]), 'w', buffering=1); "
        program = opening + reports + code
        monkeypatch.setattr(runner, "WORKER", (sys.executable, "-c", program))
        folder = RunFolder.create(tmp_path / "results", "fake")
        return run_trial(trial, folder, timeout, lambda event: None), folder.path

    return run


def test_a_finished_worker_is_ok(run_fake):
    result, folder = run_fake(PHASE, SAMPLE, SAMPLE, FINISHED)
    assert (result.status, result.reason, result.timed_steps, result.step_seconds) == ("ok", "", 2, 0.5)
    assert (folder / result.samples).read_text().count("\n") == 2


def test_a_worker_that_fails_at_its_end_is_not_ok(run_fake):
    result, _ = run_fake(FINISHED, code="sys.exit(3)")
    assert (result.status, result.reason) == (
        "crashed",
        "the worker ended with exit status 3 before it had finished",
    )
    assert result.final_losses is None and result.picture is None


def test_a_crash_keeps_the_samples_and_the_end_of_the_log(run_fake):
    result, folder = run_fake(SAMPLE, code="[print('line', i, flush=True) for i in range(99)]; os.abort()")
    assert (result.status, result.reason) == ("crashed", "the worker was killed by SIGABRT")
    assert result.timed_steps == 1
    assert result.log_tail[-1] == "line 98" and len(result.log_tail) == runner.LOG_TAIL_LINES
    assert (folder / result.log).read_text().startswith("line 0\n")


def test_a_killed_worker_is_a_crash(run_fake):
    result, _ = run_fake(PHASE, code="os.kill(os.getpid(), signal.SIGKILL)")
    assert (result.status, result.reason) == ("crashed", "the worker was killed by SIGKILL (out of memory?)")


def test_a_worker_that_hangs_is_killed_with_its_children(run_fake, tmp_path):
    marker = tmp_path / "child"
    child = f"open({str(marker)!r}, 'w').write(str(subprocess.Popen(['sleep', '600']).pid))"
    code = f"import subprocess; {child}; time.sleep(600)"
    result, _ = run_fake(PHASE, code=code, timeout=2.0)
    assert (result.status, result.reason) == ("timed_out", "not finished after 2 s (see --timeout)")
    assert _gone(int(marker.read_text()))


def test_a_worker_that_hangs_after_its_last_word_is_killed(run_fake):
    result, _ = run_fake(FINISHED, code="pipe.close(); time.sleep(600)", timeout=2.0)
    assert result.status == "timed_out"


def test_a_torn_last_line_is_forgiven_and_the_crash_is_named(run_fake):
    result, _ = run_fake(SAMPLE, code='pipe.write(\'{"event": "sam\'); pipe.flush(); os.kill(os.getpid(), 9)')
    assert (result.status, result.timed_steps) == ("crashed", 1)
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


def test_a_dead_worker_does_not_stop_the_suite(monkeypatch, tmp_path, suite):
    program = "import sys; sys.exit(7)"
    monkeypatch.setattr(runner, "WORKER", (sys.executable, "-c", program))
    suite = suite.model_copy(update={"replicates": 3})
    run, folder = run_suite(suite, "cpu", tmp_path / "results", "", runner.Observer())
    assert [trial.status for trial in run.trials] == ["crashed"] * 3
    assert run.complete
    assert run.summaries[0].ok == 0 and run.summaries[0].step_seconds is None
    journal = (folder / "journal.jsonl").read_text().splitlines()
    assert [TrialResult.model_validate_json(line) for line in journal] == run.trials


def test_ctrl_c_keeps_what_was_measured_and_leaves_no_worker(monkeypatch, tmp_path, suite):
    pid_file = tmp_path / "pid"
    program = (
        "import os, sys, time; pipe = os.fdopen(int(sys.argv[1]), 'w', buffering=1); "
        f"first = not os.path.exists({str(pid_file)!r}); open({str(pid_file)!r}, 'w').write(str(os.getpid())); "
        f"print({FINISHED!r} if first else {SAMPLE!r}, file=pipe); first or time.sleep(600)"
    )
    monkeypatch.setattr(runner, "WORKER", (sys.executable, "-c", program))

    class Impatient(runner.Observer):
        def event(self, trial, event):
            if event.event == "sample":
                raise KeyboardInterrupt

    suite = suite.model_copy(update={"replicates": 2})
    run, folder = run_suite(suite, "cpu", tmp_path / "results", "", Impatient())
    assert not run.complete
    assert [trial.status for trial in run.trials] == ["ok"]
    assert (folder / "trials" / "small.must_keep_origin_dtype.2" / "samples.jsonl").read_text().count("\n") == 1
    assert _gone(int(pid_file.read_text()))


def test_each_other_replicate_runs_in_reverse(case, float32):
    other = float32.model_copy(update={"name": "other"})
    suite = Suite(name="s", purpose="", cases=(case,), modes=(float32, other), replicates=3)
    order = [(mode.name, replicate) for _, mode, replicate in balanced_order(suite)]
    first, second = float32.name, "other"
    assert order == [(first, 1), (second, 1), (second, 2), (first, 2), (first, 3), (second, 3)]


def _gone(pid):
    for _ in range(50):
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.1)
    os.kill(pid, 9)
    return False
