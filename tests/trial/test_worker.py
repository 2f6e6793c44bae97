import io
import json
import os
import time

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from PIL import Image

from harness import modes
from harness.records.events import Finished, Planned, Sample
from harness.step import inputs
from harness.step.steady_state import needs_more_steps, timing
from harness.store.files import numbered
from harness.store.run_folder import RunFolder
from harness.trial import drawing, worker
from harness.trial.supervisor import run_trial

LOSSES = {"content", "style", "tv", "total"}
START_UP = 1000.0
"""Seconds that a process in which a trial is run here seems to have been up before."""


@pytest.fixture
def run(tmp_path, trial):
    def run(timeout=3600.0, **changes):
        folder = RunFolder.create(tmp_path / "results", "worker")
        changed = trial.model_copy(update={"picture": str(folder.trial_folder(trial.id) / "picture.png"), **changes})
        result = run_trial(changed, folder, timeout, lambda event: None)
        samples = (folder.path / result.samples).read_text().splitlines()
        return result, [Sample.model_validate_json(line) for line in samples], folder.path

    return run


@pytest.fixture
def run_here(tmp_path, trial, monkeypatch):
    """Runs a trial in this process, which saves TensorFlow's start; returns its events and its picture's path."""
    monkeypatch.setattr("harness.step.steady_state.VALUE_SECONDS", 0.001)  # single steps are good enough to look at

    def run(**changes):
        events = []
        picture = tmp_path / f"{len(list(tmp_path.glob('here-*.png')))}.png"
        picture = picture.with_name("here-" + picture.name)
        changed = trial.model_copy(update={"picture": str(picture), **changes})
        worker.run_trial(changed, events.append, time.monotonic() - START_UP)
        return events, picture

    return run


def test_a_trial_from_the_inside(run, trial):
    result, samples, folder = run()
    assert result.status == "ok", (result.reason, result.log_tail)
    phases = [sample.phase for sample in samples]
    assert phases[:5] == ["first"] + ["step"] * 4 and set(phases[5:]) == {"extra"}
    assert [sample.updates for sample in samples] == list(range(len(samples)))
    assert result.steady is not None and 0 < result.timed_steps < len(samples)
    assert all(set(sample.losses) == LOSSES for sample in samples)
    # From the content picture: no content loss before the first update, and the style loss falls.
    assert samples[0].losses["content"] == 0
    assert result.final_losses["style"] < samples[0].losses["style"]
    assert result.final_losses["total"] == result.true_losses["total"]
    assert result.first_step_seconds == samples[0].seconds
    assert result.startup_seconds > samples[0].seconds
    assert set(result.phases) >= {"interpreter", "tensorflow", "targets", "plan", "first_step", "steps", "shutdown"}
    assert sum(result.phases.values()) == pytest.approx(result.wall_seconds, abs=0.1)
    assert result.peak_memory_bytes > 50e6
    assert result.device == "cpu" and result.environment.kind == "cpu"
    assert result.environment.usable_cores == len(os.sched_getaffinity(0))
    assert result.environment.load_average is not None
    timed = sum(sample.seconds for sample in samples[1:])
    assert result.scheduling.seconds >= timed and result.scheduling.cpu_seconds > 0
    stylized = np.asarray(Image.open(folder / result.picture))
    assert stylized.shape == (40, 48, 3) and stylized.dtype == np.uint8


def test_the_start_up_is_timed_from_when_the_parent_started_the_process(run_here):
    events, _ = run_here()
    first = next(event for event in events if isinstance(event, Sample))
    assert events[-1].startup_seconds > START_UP + first.seconds


def test_steps_whose_time_says_nothing_are_not_made_for_their_time(run_here, case):
    events, _ = run_here(mode=modes.get("force_fp16"))
    assert len([event for event in events if isinstance(event, Sample)]) == case.steps


def test_the_peak_memory_is_known_where_the_kernel_does_not_tell_it(monkeypatch):
    told = worker._peak_memory_bytes()

    def silent(path):
        return io.StringIO("Name:\tpython\n")

    monkeypatch.setattr("builtins.open", silent)
    # The other figure starts at that of whoever forked, and is never the smaller one.
    assert worker._peak_memory_bytes() >= 0.9 * told > 50e6


def test_a_divergence_is_an_outcome_with_its_step_and_terms(run, case):
    settings = case.settings.model_copy(update={"learning_rate": 1e30})
    result, samples, _ = run(case=case.model_copy(update={"settings": settings}))
    assert result.status == "diverged"
    assert len(samples) == 1
    assert result.reason.startswith("the loss is not finite after 1 updates: content inf")
    assert result.picture is None and result.final_losses is None


def test_an_input_that_changes_after_the_start_is_one_line(run, case):
    inputs = case.inputs.model_copy(update={"network_sha256": "0" * 64})
    result, _, _ = run(case=case.model_copy(update={"inputs": inputs}), mode=modes.get("force_fp16"))
    assert (result.status, result.reason) == (
        "crashed",
        "UsageError: case small: its files have changed since the run began (network_sha256)",
    )
    assert any("Traceback" in line for line in result.log_tail)


def test_a_device_that_is_not_there_refuses(run):
    result, _, _ = run(device="gpu", mode=modes.get("force_fp16"))
    assert result.status == "refused"
    assert "sees no GPU" in result.reason


def test_the_same_seed_gives_the_same_picture_and_losses(run_here, case):
    noise = case.model_copy(update={"initial": "noise"})
    (first, one), (second, other) = run_here(case=noise), run_here(case=noise)
    assert first[-1].final_losses == second[-1].final_losses
    assert one != other and one.read_bytes() == other.read_bytes()


def test_steps_made_for_their_time_alone_leave_picture_and_losses_as_they_are(run_here, case, monkeypatch):
    counted, picture = run_here()
    monkeypatch.setattr(drawing, "needs_more_steps", lambda seconds: False)
    plain, other = run_here()
    phases = [[event.phase for event in events if isinstance(event, Sample)] for events in (counted, plain)]
    assert "extra" in phases[0] and phases[1] == ["first"] + ["step"] * (case.steps - 1)
    assert counted[-1].final_losses == plain[-1].final_losses
    assert picture.read_bytes() == other.read_bytes()


def test_steps_that_never_settle_end_at_the_cap(run_here, monkeypatch):
    monkeypatch.setattr("harness.step.steady_state.steady_from", lambda values: None)
    events, picture = run_here()
    seconds = [event.seconds for event in events if isinstance(event, Sample)][1:]
    assert not needs_more_steps(seconds) and timing(seconds).steady is False
    assert isinstance(events[-1], Finished) and picture.exists()


def test_a_calibration_really_slows_each_step_down_and_keeps_both_times(run_here):
    events, _ = run_here(delay=0.5)
    samples = [event for event in events if isinstance(event, Sample)]
    assert samples and all(sample.delayed_seconds >= 1.5 * sample.seconds for sample in samples)
    assert not any(event.delayed_seconds for event in run_here()[0] if isinstance(event, Sample))


def test_a_batch_draws_each_picture_with_a_noise_of_its_own(run_here, case):
    noise = case.model_copy(update={"initial": "noise", "seed": 8})
    batch = inputs.resolve(noise.model_copy(update={"batch": 2, "seed": 7}), cache="")
    events, first = run_here(case=batch, mode=modes.get("force_fp16"))
    _, alone = run_here(case=noise, mode=modes.get("force_fp16"))
    drawn = [np.asarray(Image.open(path)).astype(int) for path in (first, numbered(str(first), 1), alone)]
    # In a batch the gradient's sums have another order, so a level may change here and there.
    assert np.abs(drawn[1] - drawn[2]).mean() < 0.1 < 1 < np.abs(drawn[0] - drawn[1]).mean()
    single = run_here(case=noise)[0][-1]
    assert events[-1].step_flop == 2 * single.step_flop
    assert events[-1].true_losses["tv"] > single.true_losses["tv"]


def test_colours_are_kept_on_request(run_here, case):
    def chroma(path):
        return np.asarray(Image.open(path).convert("YCbCr")).astype(int)[..., 1:]

    content = chroma(case.content)
    settings = case.settings.model_copy(update={"preserve_colors": True})
    _, kept = run_here(case=case.model_copy(update={"settings": settings}))
    _, plain = run_here()
    assert np.median(np.abs(chroma(kept) - content)) <= 1
    assert np.median(np.abs(chroma(plain) - content)) > 3


def test_run_json_can_be_read_by_anybody(tmp_path, suite):
    from harness.runs.observer import Observer
    from harness.runs.runner import run_suite

    suite = suite.model_copy(update={"modes": (modes.get("force_fp16"),)})
    run, folder = run_suite(suite, "cpu", tmp_path / "results", "", Observer(), ["bench.py"])
    stored = json.loads((folder / "run.json").read_text())
    assert stored["schema_version"] == 1
    assert stored["trials"][0]["status"] == "ok"
    assert stored["suite"]["cases"][0]["inputs"]["width"] == 48
    assert stored["environment"]["packages"]["numpy"] == np.__version__
    assert type(run).model_validate(stored) == run


def _planned(events):
    (planned,) = [event for event in events if isinstance(event, Planned)]
    return planned


def test_a_rounded_trial_says_it_is_emulated_and_tells_both_losses(run_here):
    names = ("allow_mix_precision", "allow_mix_precision+matmul32", "must_keep_origin_dtype")
    runs = [run_here(mode=modes.get(name), rates=name == "must_keep_origin_dtype")[0] for name in names]
    assert [_planned(events).emulated for events in runs] == [True, True, False]
    plain, mended, reference = (events[-1] for events in runs)
    assert plain.matmul_tflops is None and reference.matmul_tflops > 0
    assert plain.matmul_tflops_bfloat16 is None
    assert reference.matmul_tflops_bfloat16 is None or reference.matmul_tflops_bfloat16 > reference.matmul_tflops
    # The saturated Gram matrices of plain mixed precision spoil the picture, and the mode does not see it.
    assert plain.true_losses["style"] > 10 * reference.true_losses["style"]
    assert plain.true_losses["style"] > 2 * plain.final_losses["style"]
    assert plain.true_losses["style"] > 5 * mended.true_losses["style"]
    assert mended.true_losses["style"] == pytest.approx(mended.final_losses["style"], rel=0.05)


@pytest.mark.skipif(tf.__version__ < "2", reason="TensorFlow 1.15 has no bfloat16 convolutions")
def test_a_native_trial_is_not_emulated_and_its_true_loss_is_scored_in_float32(run_here):
    events, _ = run_here(mode=modes.get("allow_mix_precision_bf16"), rates=True)
    planned, finished = _planned(events), events[-1]
    assert planned.emulated is False and planned.remarks[0].code == "bfloat16_refused"
    assert finished.matmul_tflops > 0
    assert finished.true_losses["total"] != finished.final_losses["total"]
    assert finished.true_losses["total"] == pytest.approx(finished.final_losses["total"], rel=0.05)


@pytest.mark.skipif(tf.__version__ >= "2", reason="TensorFlow 2 has bfloat16 convolutions")
def test_a_mode_without_kernels_is_refused(run_here):
    refused = run_here(mode=modes.get("allow_mix_precision_bf16"))[0][-1]
    assert "has no bfloat16 kernel for it on this CPU (use --emit rounded)" in refused.reason


def test_the_reference_carries_the_card_s_refusal(run_here):
    (remark,) = _planned(run_here()[0]).remarks
    assert (remark.code, remark.values["name"]) == ("card_refuses", "conv1_1/Conv2D")
    assert remark.values["ops"] > 20


def test_health_counts_every_step_and_changes_nothing(run, run_here, case):
    mode = modes.get("allow_mix_precision")
    counted, _, folder = run(mode=mode, health=True)
    plain = run_here(mode=mode)[0][-1]
    assert counted.final_losses == plain.final_losses
    lines = [json.loads(line) for line in (folder / counted.health).read_text().splitlines()]
    assert [line["updates"] for line in lines] == list(range(case.steps))
    saturated = {op for op, (count, _, _) in counted.lost.items() if count}
    assert any(op.startswith("gram_") for op in saturated), counted.lost
    for op, counts in counted.lost.items():
        assert list(counts) == [sum(line["counts"].get(op, (0, 0, 0))[i] for line in lines) for i in range(3)]


def test_a_customised_name_that_is_not_in_the_graph_is_one_line(run, tmp_path):
    dtypes = tmp_path / "dtypes.cfg"
    dtypes.write_text("no/such/op::InputDtype:float32,OutputDtype:float32\n")
    (mode,) = modes.with_options([modes.get("force_fp16")], customize_dtypes=str(dtypes))
    result, _, _ = run(mode=mode)
    assert result.status == "crashed"
    assert "dtypes.cfg" in result.reason and "no/such/op" in result.reason


def test_a_gram_that_saturates_lets_no_step_through(run_here, case):
    scaled = modes.on_chip(
        [modes.get("allow_mix_precision"), modes.get("allow_mix_precision+matmul32")], modes.parse_loss_scale("1")
    )
    case = case.model_copy(update={"settings": case.settings.model_copy(update={"style_weight": 0.001})})
    skipping, applying = (run_here(mode=mode, case=case) for mode in scaled)
    assert skipping[0][-1].loss_scaling.model_dump() == {
        "steps": 5,
        "skipped": 5,
        "skipped_first": 5,
        "first_scale": 1,
        "last_scale": 1,
    }
    assert skipping[0][-1].final_losses["tv"] == next(e for e in skipping[0] if isinstance(e, Sample)).losses["tv"]
    assert applying[0][-1].loss_scaling.skipped == 0
    assert skipping[1].read_bytes() != applying[1].read_bytes()


def test_the_start_up_of_the_exponential_manager_is_told(run_here, case):
    (mode,) = modes.on_chip(
        [modes.get("allow_mix_precision+matmul32")], modes.parse_loss_scale("dynamic:decr_every=1,decr_ratio=1e-5")
    )
    case = case.model_copy(update={"settings": case.settings.model_copy(update={"style_weight": 0.001})})
    events, _ = run_here(mode=mode, case=case)
    samples = [event for event in events if isinstance(event, Sample)]
    assert samples[0].scale == 2.0**32 and samples[0].applied == 0
    told = events[-1].loss_scaling
    assert 0 < told.skipped_first == told.skipped < 5 and told.last_scale < told.first_scale
