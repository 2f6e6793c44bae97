import json
import os
import sys
from pathlib import Path

import pytest

from harness import modes
from harness.errors import UsageError
from harness.gates.coverage import judge_coverage
from harness.records import Run, Suite
from harness.remark import remark
from harness.runs import rounds, runner
from harness.runs.observer import Observer
from harness.runs.rounds import balanced_round
from harness.runs.runner import confirm, resume, run_suite
from harness.store.run_folder import RunFolder
from harness.trial import supervisor
from tests.builders import MACHINE
from tests.trial.processes import FINISHED, SAMPLE, fill, is_gone


@pytest.fixture
def workers(monkeypatch, tmp_path):
    """Makes workers run this program; each adds a line to the file that is returned."""

    def use(program):
        started = tmp_path / "started"
        note = f"open({str(started)!r}, 'a').write(f'{{os.getpid()}}\\n')"
        opening = f"import os, sys, time; {note}; pipe = os.fdopen(int(sys.argv[1]), 'w', buffering=1); "
        monkeypatch.setattr(supervisor, "WORKER", (sys.executable, "-c", opening + program))
        return started

    return use


def test_a_dead_worker_does_not_stop_the_suite(monkeypatch, tmp_path, suite):
    program = "import sys; sys.exit(7)"
    monkeypatch.setattr(supervisor, "WORKER", (sys.executable, "-c", program))
    suite = suite.model_copy(update={"replicates": 3})
    run, folder = run_suite(suite, "cpu", tmp_path / "results", "", Observer())
    assert [trial.status for trial in run.trials] == ["crashed"] * 3
    assert run.complete
    assert run.summaries[0].ok == 0 and run.summaries[0].step_seconds is None
    assert RunFolder(folder).recover_journal(run.id) == run.trials


def test_ctrl_c_keeps_what_was_measured_and_leaves_no_worker(monkeypatch, tmp_path, suite):
    pid_file = tmp_path / "pid"
    program = (
        "import os, sys, time; pipe = os.fdopen(int(sys.argv[1]), 'w', buffering=1); "
        f"first = not os.path.exists({str(pid_file)!r}); open({str(pid_file)!r}, 'w').write(str(os.getpid())); "
        f"print({FINISHED!r} if first else {SAMPLE!r}, file=pipe); first or time.sleep(600)"
    )
    monkeypatch.setattr(supervisor, "WORKER", (sys.executable, "-c", program))

    class Impatient(Observer):
        def event(self, trial, event):
            if event.event == "sample":
                raise KeyboardInterrupt

    suite = suite.model_copy(update={"replicates": 2})
    run, folder = run_suite(suite, "cpu", tmp_path / "results", "", Impatient())
    assert not run.complete
    assert [trial.status for trial in run.trials] == ["ok"]
    assert (folder / "trials" / "small.must_keep_origin_dtype.2" / "samples.jsonl").read_text().count("\n") == 1
    assert is_gone(int(pid_file.read_text()))


def test_each_other_replicate_runs_in_reverse(case, float32):
    other = modes.get("force_fp16")
    suite = Suite(name="s", purpose="", cases=(case,), modes=(float32, other), replicates=3)
    rounds = [[mode.name for _, mode in balanced_round(suite, replicate)] for replicate in (1, 2, 3)]
    first, second = float32.name, other.name
    assert rounds == [[first, second], [second, first], [first, second]]


@pytest.fixture
def interrupted(workers, tmp_path, suite):
    """Folder of a run of three trials that was interrupted after the second."""
    workers(f"print({FINISHED!r}, file=pipe)")

    class Impatient(Observer):
        def trial_started(self, trial, number, planned):
            if number == 3:
                raise KeyboardInterrupt

    suite = suite.model_copy(update={"replicates": 3})
    run, folder = run_suite(suite, "cpu", tmp_path / "results", "", Impatient())
    assert len(run.trials) == 2 and not run.complete
    return folder


def test_a_resumed_run_measures_only_what_is_missing(interrupted, workers):
    started = workers(f"print({FINISHED!r}, file=pipe)")
    before = len(started.read_text().splitlines())
    run, _ = resume(interrupted, "", Observer())
    assert len(started.read_text().splitlines()) == before + 1
    assert run.complete and [trial.replicate for trial in run.trials] == [1, 2, 3]
    assert run.summaries[0].ok == 3
    assert len((interrupted / "journal.jsonl").read_text().splitlines()) == 3
    with pytest.raises(UsageError, match="it is complete, nothing is left to resume"):
        resume(interrupted, "", Observer())


@pytest.mark.parametrize("cut", [1, 30, 500])
def test_a_torn_last_journal_line_is_measured_again(interrupted, workers, cut):
    journal = interrupted / "journal.jsonl"
    journal.write_bytes(journal.read_bytes()[:-cut])
    workers(f"print({FINISHED!r}, file=pipe)")
    run, _ = resume(interrupted, "", Observer())
    assert run.complete and [trial.replicate for trial in run.trials] == [1, 2, 3]
    assert len(journal.read_text().splitlines()) == 3


def test_no_other_damage_to_the_journal_is_forgiven(interrupted):
    journal = interrupted / "journal.jsonl"
    journal.write_bytes(journal.read_bytes()[10:])
    with pytest.raises(UsageError, match=r"journal .*journal.jsonl: line 1 is damaged"):
        resume(interrupted, "", Observer())


def test_a_run_whose_case_has_changed_is_refused_with_the_difference(interrupted, picture, style):
    with open(picture, "wb") as changed, open(style, "rb") as other:
        changed.write(other.read())
    with pytest.raises(UsageError, match="case small has changed: content_sha256 was [0-9a-f]{64}, is [0-9a-f]{64}"):
        resume(interrupted, "", Observer())


def test_a_run_whose_environment_has_changed_is_refused_with_the_difference(interrupted):
    record = interrupted / "run.json"
    document = json.loads(record.read_text())
    document["environment"]["python"] = "2.7.18"
    record.write_text(json.dumps(document))
    with pytest.raises(UsageError, match="the environment has changed: python was 2.7.18, is 3"):
        resume(interrupted, "", Observer())


@pytest.mark.parametrize(
    "content, reason",
    [
        (None, "no run.json in it"),
        ("", "not JSON"),
        ("[]", "schema version None, expected 1"),
        ('{"schema_version": 99}', "schema version 99, expected 1"),
        ('{"schema_version": 1}', "id: field required"),
    ],
)
def test_what_is_no_run_cannot_be_resumed(tmp_path, content, reason):
    if content is not None:
        (tmp_path / "run.json").write_text(content)
    with pytest.raises(UsageError, match=reason):
        resume(tmp_path, "", Observer())


def test_a_disk_that_fills_up_loses_nothing_that_was_measured(workers, small_disk, suite):
    program = f"print({SAMPLE!r}, file=pipe); print({FINISHED!r}, file=pipe)"
    workers(program)
    suite = suite.model_copy(update={"replicates": 3})

    class Filling(Observer):
        def trial_started(self, trial, number, planned):
            if number == 3:
                fill(small_disk)

    with pytest.raises(OSError, match="No space left on device; what was measured is kept, --resume .* measures"):
        run_suite(suite, "cpu", Path(small_disk), "", Filling())
    os.unlink(os.path.join(small_disk, "filler"))
    (folder,) = Path(small_disk).iterdir()
    kept = (folder / "journal.jsonl").read_text()
    assert kept.count("\n") == 2
    run, _ = resume(folder, "", Observer())
    assert run.complete and (folder / "journal.jsonl").read_text().startswith(kept)
    assert [trial.replicate for trial in run.trials] == [1, 2, 3]


def test_a_full_disk_leaves_a_run_that_can_be_resumed(workers, monkeypatch, tmp_path, suite):
    workers(f"print({FINISHED!r}, file=pipe)")
    suite = suite.model_copy(update={"replicates": 2})

    def full_disk(self, owner, result):
        with open(self.path / "journal.jsonl", "ab") as file:
            file.write(result.model_dump_json().encode()[:40])
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("harness.store.run_folder.RunFolder.append_journal", full_disk)
        with pytest.raises(OSError, match="No space"):
            run_suite(suite, "cpu", tmp_path / "results", "", Observer())
    (folder,) = (tmp_path / "results").iterdir()
    run, _ = resume(folder, "", Observer())
    assert run.complete and len(run.trials) == 2


NOISY = (
    f"sample = {SAMPLE!r}.replace('0.5', str(0.5 + 0.2 * (sys.stdin.read().count('.1\"') > 0))); "
    f"[print(sample, file=pipe) for _ in range(10)]; print({FINISHED!r}, file=pipe)"
)
"""The first replicate's steps take 0.7 s, all others' 0.5."""


def _interrupt_at(stop):
    class Impatient(Observer):
        def __init__(self):
            self.numbers = []

        def trial_started(self, trial, number, planned):
            self.numbers.append((number, planned))
            if number == stop:
                raise KeyboardInterrupt

    return Impatient()


@pytest.fixture
def adaptive(suite):
    return suite.model_copy(update={"replicates": 2, "max_replicates": 4})


def test_rounds_follow_until_as_many_as_are_allowed(workers, tmp_path, adaptive):
    started, observer = workers(NOISY), _interrupt_at(None)
    run, _ = run_suite(adaptive, "cpu", tmp_path / "results", "", observer)
    assert len(started.read_text().splitlines()) == 4
    assert observer.numbers == [(1, 2), (2, 2), (3, 3), (4, 4)]
    (summary,) = run.summaries
    assert (run.complete, run.planned_trials, summary.replicates, summary.ok) == (True, 4, 4, 4)
    (unmet,) = summary.unmet
    assert (unmet.code, unmet.values["why"]) == ("wide_interval", remark("no_more_allowed", processes=4))


def test_no_round_follows_an_interval_that_is_narrow_enough(workers, tmp_path, adaptive):
    workers(NOISY.replace("0.2", "0.0"))
    run, _ = run_suite(adaptive, "cpu", tmp_path / "results", "", Observer())
    assert len(run.trials) == 2 and run.summaries[0].unmet == ()


def test_no_round_follows_once_the_time_is_spent(workers, tmp_path, adaptive):
    workers(NOISY)
    suite = adaptive.model_copy(update={"budget": 0.001})
    run, _ = run_suite(suite, "cpu", tmp_path / "results", "", Observer())
    assert len(run.trials) == 2
    assert run.summaries[0].unmet[0].values["why"] == remark("budget_spent", seconds=0.001)


EMULATED = (
    "mode = json.loads(sys.stdin.read())['mode']['name']; "
    "print(json.dumps({'event': 'planned', 'emulated': mode == 'force_fp16'}), file=pipe); "
    f"[print({SAMPLE!r}, file=pipe) for _ in range(10)]; print({FINISHED!r}, file=pipe)"
)
"""The steps of one mode are emulated."""


@pytest.mark.parametrize(
    "most, processes",
    [
        (None, {"must_keep_origin_dtype": 3, "force_fp16": 3}),  # as the user said
        (5, {"must_keep_origin_dtype": 3, "force_fp16": 1}),
    ],
)
def test_an_emulated_mode_runs_once_unless_a_number_was_asked_for(workers, tmp_path, case, float32, most, processes):
    workers("import json; " + EMULATED)
    both = (float32, modes.get("force_fp16"))
    suite = Suite(name="s", purpose="", cases=(case,), modes=both, replicates=3, max_replicates=most)
    observer = _interrupt_at(None)
    run, _ = run_suite(suite, "cpu", tmp_path / "results", "", observer)
    made = [trial.mode for trial in run.trials]
    assert {mode: made.count(mode) for mode in made} == processes
    assert [number for number, _ in observer.numbers] == list(range(1, len(made) + 1))
    assert run.planned_trials == len(made) == observer.numbers[-1][1]
    assert {summary.mode: summary.replicates for summary in run.summaries} == processes
    assert all(judge_coverage(run, case, mode).outcome == "pass" for mode in both)
    begun = run.model_copy(update={"trials": run.trials[:1]})
    assert judge_coverage(begun, case, float32).outcome == "missing"


@pytest.mark.parametrize(
    "names, replicates, steps, measuring",
    [
        (("force_fp16", "must_keep_origin_dtype"), 2, 5, ["small.must_keep_origin_dtype.1"]),
        (("force_fp16", "allow_mix_precision_bf16"), 2, 5, ["small.allow_mix_precision_bf16.1"]),
        (("force_fp16", "allow_mix_precision"), 2, 5, []),
        (("force_fp16", "must_keep_origin_dtype"), 1, 11, ["small.must_keep_origin_dtype.1"]),
        (("force_fp16", "must_keep_origin_dtype"), 1, 10, []),
    ],
)
def test_one_trial_of_a_run_that_is_timed_measures_the_matrix_products(
    workers, tmp_path, suite, names, replicates, steps, measuring
):
    asked = []

    class Asking(Observer):
        def trial_started(self, trial, number, planned):
            asked.append(trial)

    workers(f"[print({SAMPLE!r}, file=pipe) for _ in range(10)]; print({FINISHED!r}, file=pipe)")
    (case,) = suite.cases
    changes = {"cases": (case.model_copy(update={"steps": steps}),), "modes": tuple(map(modes.get, names))}
    run_suite(suite.model_copy(update={**changes, "replicates": replicates}), "cpu", tmp_path / "results", "", Asking())
    assert len(asked) == 2 * replicates and [trial.id for trial in asked if trial.rates] == measuring


@pytest.mark.parametrize("most, told", [(5, 1 + 3), (None, 6)])
def test_how_many_trials_there_will_be_is_told_before_the_first(workers, tmp_path, suite, most, told):
    numbers = []

    class Asking(Observer):
        def trial_started(self, trial, number, planned):
            numbers.append(planned)

    workers(f"[print({SAMPLE!r}, file=pipe) for _ in range(10)]; print({FINISHED!r}, file=pipe)")
    both = (modes.get("force_fp16"), modes.get("must_keep_origin_dtype"))
    changes = {"modes": both, "replicates": 3, "max_replicates": most, "budget": 0.001}
    run_suite(suite.model_copy(update=changes), "cpu", tmp_path / "results", "", Asking())
    assert numbers[0] == told


def test_the_card_s_modes_are_all_timed(suite):
    half = modes.get("force_fp16")
    suite = suite.model_copy(update={"modes": (half,), "replicates": 2})
    run = Run(id="x", suite=suite, device="npu:0", started="2020-01-01T00:00:00+00:00", environment=MACHINE)
    asked = [rounds._measures_rates(run, suite.cases[0], half, replicate) for replicate in (1, 2)]
    assert asked == [True, False]
    assert not rounds._measures_rates(run.model_copy(update={"device": "cpu"}), suite.cases[0], half, 1)


def test_replicates_share_the_targets_of_their_mode_while_the_run_is_measured(workers, tmp_path, suite):
    asked = []

    class Asking(Observer):
        def trial_started(self, trial, number, planned):
            asked.append(trial)
            Path(trial.targets).write_bytes(b"")

    workers(f"[print({SAMPLE!r}, file=pipe) for _ in range(10)]; print({FINISHED!r}, file=pipe)")
    suite = suite.model_copy(update={"modes": tuple(map(modes.get, ("force_fp16", "force_fp32"))), "replicates": 2})
    _, folder = run_suite(suite, "cpu", tmp_path / "results", "", Asking())
    assert len(asked) == 4 and len({trial.targets for trial in asked}) == 2
    assert len({(trial.mode.name, trial.targets) for trial in asked}) == 2
    assert list(folder.glob("*.npz")) == []


@pytest.mark.parametrize("stop", [2, 4])
def test_an_adaptive_run_goes_on_by_the_same_rules(workers, tmp_path, adaptive, stop):
    workers(NOISY)
    run, folder = run_suite(adaptive, "cpu", tmp_path / "results", "", _interrupt_at(stop))
    assert len(run.trials) == stop - 1 and not run.complete
    run, _ = resume(folder, "", Observer())
    assert run.complete and [trial.replicate for trial in run.trials] == [1, 2, 3, 4]
    assert run.suite == adaptive


@pytest.fixture
def doubted(workers, tmp_path, case, float32):
    """A finished run of two timed modes, twice each, and the path of its folder."""
    workers(f"print({FINISHED!r}, file=pipe)")
    both = (float32, modes.get("allow_mix_precision_bf16"))
    suite = Suite(name="s", purpose="", cases=(case,), modes=both, replicates=2)
    return run_suite(suite, "cpu", tmp_path / "results", "", Observer())


def _suspects(run):
    return [(run.suite.cases[0].id, mode.name) for mode in run.suite.modes]


class Waiting(Observer):
    """Notes how long nothing was run, and what was run then; is interrupted before one of the trials."""

    def __init__(self, stop_before=None):
        self.seconds, self.trials, self.stop_before = None, [], stop_before

    def waiting(self, seconds):
        self.seconds = seconds

    def trial_started(self, trial, number, planned):
        if number == self.stop_before:
            raise KeyboardInterrupt
        self.trials.append(trial.id)


def test_a_confirmation_runs_later_in_reverse_and_is_no_part_of_the_summaries(doubted, monkeypatch):
    run, path = doubted
    slept = []
    monkeypatch.setattr("time.sleep", slept.append)
    listener = Waiting()
    again = confirm(run, path, _suspects(run), "", listener)
    assert 50 < listener.seconds <= 61 and 50 < slept[0] <= 61
    first, second = (f"small.{mode.name}.again" for mode in run.suite.modes)
    assert listener.trials == [f"{second}1", f"{first}1", f"{first}2", f"{second}2"]
    assert again.complete and again.summaries == run.summaries
    assert [trial.confirmation for trial in again.trials] == [False] * 4 + [True] * 4
    assert len((path / "journal.jsonl").read_text().splitlines()) == 8


def test_only_what_is_in_doubt_is_confirmed(doubted, monkeypatch):
    run, path = doubted
    monkeypatch.setattr(runner, "CONFIRMATION_DELAY", 0.0)
    listener = Waiting()
    confirm(run, path, _suspects(run)[1:], "", listener)
    again = [f"small.allow_mix_precision_bf16.again{replicate}" for replicate in (1, 2)]
    assert listener.trials == again and listener.seconds == 0.0


def test_an_interrupted_confirmation_can_be_resumed(doubted, monkeypatch):
    run, path = doubted
    monkeypatch.setattr(runner, "CONFIRMATION_DELAY", 0.0)
    again = confirm(run, path, _suspects(run), "", Waiting(stop_before=3))
    assert not again.complete and len(again.trials) == 6
    resumed, _ = resume(path, "", Observer())
    assert resumed.complete and len(resumed.trials) == 6
    listener = Waiting()
    assert len(confirm(resumed, path, _suspects(run), "", listener).trials) == 8
    assert len(listener.trials) == 2


def test_cases_that_would_share_a_folder_are_refused(suite, tmp_path):
    (case,) = suite.cases
    alike = suite.model_copy(update={"cases": tuple(case.model_copy(update={"id": name}) for name in ("a b", "a-b"))})
    with pytest.raises(UsageError, match="suite tiny: the cases 'a b' and 'a-b' have one folder 'a-b': rename one"):
        runner.run_suite(alike, "cpu", tmp_path, "", Observer())
    assert not list(tmp_path.glob("tiny*"))
