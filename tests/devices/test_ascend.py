"""The Ascend device against TensorFlow's own protos and the stand-in for npu_bridge. No card has run any of this."""

import json
from pathlib import Path

import pytest
import tensorflow.compat.v1 as tf

from harness import modes
from harness.devices import Chosen, DeviceUnavailable
from harness.records import FidelityPlan
from harness.store import RunFolder
from harness.supervisor import run_trial


def _parameters(config):
    """What of a serialized ConfigProto the adapter reads."""
    read = tf.ConfigProto.FromString(config.SerializeToString())
    rewrites = read.graph_options.rewrite_options
    assert rewrites.remapping == rewrites.OFF and rewrites.memory_optimization == rewrites.NO_MEM_OPT
    (optimizer,) = rewrites.custom_optimizers
    assert optimizer.name == "NpuOptimizer"
    fields = {key: value.WhichOneof("value") for key, value in optimizer.parameter_map.items()}
    return {key: getattr(optimizer.parameter_map[key], field) for key, field in fields.items()}


@pytest.fixture
def device(bridge, tmp_path):
    from harness.devices.ascend import AscendDevice

    return AscendDevice(Chosen("npu", 2), tmp_path)


def _config(device, mode):
    device.prepare(tf.GraphDef(), [], mode)
    return _parameters(device._config())


def test_a_mode_becomes_session_options(device):
    (mode,) = modes.on_chip([modes.get("force_fp16")], npu=["deterministic=1", "hcom_parallel=False"])
    assert _config(device, mode) == {
        "use_off_line": True,
        "precision_mode": b"force_fp16",
        "deterministic": 1,
        "hcom_parallel": False,
    }


def test_precision_mode_v2_takes_the_place_of_the_old_name(device):
    (mode,) = modes.on_chip([modes.get("allow_mix_precision")], npu=["precision_mode_v2=mixed_float16"])
    assert _config(device, mode) == {"use_off_line": True, "precision_mode_v2": b"mixed_float16"}


def test_the_files_of_a_mode_are_written_beside_the_trial(device, tmp_path):
    mixlist = tmp_path / "mix.json"
    mixlist.write_text('{"black-list": {"to-add": ["Sub"]}, "white-list": {"to-remove": ["Conv2D"]}}')
    (mode,) = modes.with_options([modes.get("allow_mix_precision+matmul32")], str(mixlist))
    found = _config(device, mode)
    from harness.precision import parse_customize_dtypes, parse_modify_mixlist

    assert parse_customize_dtypes(found["customize_dtypes"].decode()) == mode.precision.custom_dtypes
    assert parse_modify_mixlist(found["modify_mixlist"].decode()) == mode.precision.mixlist
    assert Path(found["customize_dtypes"].decode()).parent == tmp_path


def test_one_process_one_mode(device):
    device.prepare(tf.GraphDef(), [], modes.get("force_fp16"))
    with pytest.raises(DeviceUnavailable, match="this process runs force_fp16, and allow_mix_precision needs"):
        device.prepare(tf.GraphDef(), [], modes.get("allow_mix_precision"))


def test_the_card_keeps_to_its_own_arithmetic(device):
    (ieee,) = modes.on_chip([modes.get("force_fp16")], overflow="ieee")
    with pytest.raises(DeviceUnavailable, match="the 910 saturates"):
        device.prepare(tf.GraphDef(), [], ieee)


@pytest.fixture
def run(cards, tmp_path, trial, monkeypatch):
    """Runs a trial on card 2 in a process of its own."""

    def run(card="works", release="later", **changes):
        monkeypatch.setenv("STAND_IN_CARD", card)
        monkeypatch.setenv("STAND_IN_RELEASE", release)
        folder = RunFolder.create(tmp_path / "results", "card")
        picture = str(folder.trial_folder(trial.id) / "picture.png")
        changes = {"mode": modes.get("allow_mix_precision+matmul32"), "device": "npu:2", **changes}
        result = run_trial(trial.model_copy(update={"picture": picture, **changes}), folder, 120, lambda event: None)
        samples = [json.loads(line) for line in (folder.path / result.samples).read_text().splitlines()]
        return result, [sample for sample in samples if sample["phase"] != "extra"]

    return run


def test_a_trial_on_the_card(run):
    result, samples = run(release="2021")
    assert result.status == "ok", (result.reason, result.log_tail)
    assert result.device == "npu" and not result.emulated
    assert result.environment.slot == "npu:2" and result.environment.variables["ASCEND_DEVICE_ID"] == "2"
    assert len(samples) == 5
    # Scored on the host: nothing on this card is float32, whatever its stand-in computes in.
    assert result.true_losses["total"] == pytest.approx(result.final_losses["total"], rel=1e-3)
    assert "its casts were not checked" in result.remarks[-1] and "DUMP_GE_GRAPH" in result.remarks[-1]


def test_fidelity_on_the_card_is_held_against_the_host_and_counts_nothing(run):
    plan = FidelityPlan(envelope=3, window=2, growth=(1, 2))
    result, _ = run(fidelity=plan, envelopes=("float16",))
    assert result.status == "ok", (result.reason, result.log_tail)
    measured = result.fidelity
    assert [envelope.noise for envelope in measured.envelopes] == ["float16"] and measured.controls
    assert all(probe.local is None and probe.saturated is None for probe in measured.probes)
    # The stand-in computes in float32.
    assert 0 < max(probe.accumulated.relative_l2 for probe in measured.probes if probe.kind == "activation") < 1e-4
    assert not result.lost


def test_a_card_that_was_not_used_refuses_the_trial(run):
    result, samples = run("silent")
    assert result.status == "refused" and not samples
    assert "npu:2: the card was not used: no GeOp among the" in result.reason
    assert "The model has been compiled on the Ascend AI processor" in result.reason


def test_a_card_that_is_busy_refuses_the_trial_with_its_words(run):
    result, _ = run("busy")
    assert result.status == "refused"
    assert "(busy, gone, or it does not compile): GE session build graph failed" in result.reason


def test_a_card_that_has_gone_refuses_the_trial(run, cards):
    (cards / "dev/davinci2").unlink()
    result, _ = run()
    assert result.status == "refused"
    assert "npu:2: no such card" in result.reason and "found npu:0" in result.reason


def test_the_adapter_scales_the_loss_and_skips(run):
    (mode,) = modes.on_chip(
        [modes.get("allow_mix_precision+matmul32")],
        modes.parse_loss_scale("dynamic:init=4096,decr_every=1"),
        npu=["deterministic=1"],
    )
    result, samples = run(mode=mode)
    assert result.status == "ok", (result.reason, result.log_tail)
    assert [sample["scale"] for sample in samples] == [4096, 2048, 1024, 512, 512]
    assert result.loss_scaling.model_dump() == {
        "steps": 5,
        "skipped": 3,
        "skipped_first": 3,
        "first_scale": 4096,
        "last_scale": 512,
    }


def test_a_loop_of_steps_is_one_sample(run, case):
    (mode,) = modes.on_chip([modes.get("allow_mix_precision+matmul32")], npu=["iterations_per_loop=2"])
    result, samples = run(mode=mode, case=case.model_copy(update={"steps": 6}))
    assert result.status == "ok", (result.reason, result.log_tail)
    assert [(sample["updates"], sample["steps"]) for sample in samples] == [(0, 2), (2, 2), (4, 2)]
