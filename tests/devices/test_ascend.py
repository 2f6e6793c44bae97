"""The Ascend device against TensorFlow's own protos and the stand-in for npu_bridge. No card has run any of this."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import tensorflow.compat.v1 as tf

from harness import modes
from harness.devices.device import DeviceUnavailable
from harness.devices.naming import Chosen
from harness.records import FidelityPlan
from harness.store.run_folder import RunFolder
from harness.trial.supervisor import run_trial
from model.settings import StyleSettings
from tests.conftest import ROOT

IN_THE_CARD_S_TENSORFLOW = pytest.mark.skipif(
    tf.__version__ >= "2", reason="the processes of a card are TensorFlow 1.15's, as npu_bridge is"
)


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


def _by_newer_name(mixlist=None):
    modes_with_files = modes.with_options([modes.get("allow_mix_precision")], mixlist)
    (mode,) = modes.on_chip(modes_with_files, npu=["precision_mode_v2=mixed_float16"])
    return mode


@pytest.mark.parametrize("bridge", ["later"], indirect=True)
def test_precision_mode_v2_takes_the_place_of_the_old_name(device):
    assert _config(device, _by_newer_name()) == {"use_off_line": True, "precision_mode_v2": b"mixed_float16"}


@pytest.mark.parametrize("bridge", ["2021"], indirect=True)
def test_a_bridge_that_knows_no_precision_mode_v2_refuses_it(device):
    with pytest.raises(DeviceUnavailable, match="this npu_bridge has no precision_mode_v2"):
        _config(device, _by_newer_name())


@pytest.mark.parametrize("bridge", ["later"], indirect=True)
def test_the_newer_name_goes_with_a_mixlist(device, tmp_path):
    mixlist = tmp_path / "mix.json"
    mixlist.write_text('{"black-list": {"to-add": ["Sub"]}}')
    device.prepare(tf.GraphDef(), [], _by_newer_name(str(mixlist)))
    with device.session(tf.GraphDef()):  # the stand-in checks it here
        assert {"precision_mode_v2", "modify_mixlist"} <= set(_parameters(device._config()))


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
    (native,) = modes.on_chip([modes.get("force_fp16")], emit="native")
    with pytest.raises(DeviceUnavailable, match="--emit native is of hosts"):
        device.prepare(tf.GraphDef(), [], native)
    with pytest.raises(DeviceUnavailable, match="the 910 has no bfloat16 and refuses allow_fp32_to_bf16"):
        device.prepare(tf.GraphDef(), [], modes.get("allow_fp32_to_bf16"))


@pytest.fixture
def prove(device, monkeypatch):
    """Has a card of this kind prove that it ran a product."""

    def prove(card):
        monkeypatch.setenv("STAND_IN_CARD", card)
        with tf.Graph().as_default() as graph:
            tf.matmul(*[tf.random.uniform((2, 2))] * 2, name="product")
        device.prepare(tf.GraphDef(), [], modes.get("force_fp16"))
        with device.session(graph.as_graph_def()) as session:
            device.confirm(session, ["product:0"])

    return prove


def test_what_tensorflow_runs_beside_the_card_is_no_proof(prove):
    prove("works")
    with pytest.raises(DeviceUnavailable, match="npu:2: the card ran a part alone: .*MatMul ran in TensorFlow"):
        prove("mixed")


def test_a_line_that_an_earlier_graph_left_in_the_log_is_no_proof(prove, tmp_path):
    line = "The model has been compiled on the Ascend AI processor, current graph id is:1\n"
    (tmp_path / "log.txt").write_text(line)
    with pytest.raises(DeviceUnavailable, match="no GeOp among the [0-9]+ nodes that ran, and no new line"):
        prove("silent")


@pytest.mark.parametrize("bridge", ["later"], indirect=True)
def test_a_loop_that_makes_one_step_is_refused(device, monkeypatch):
    (mode,) = modes.on_chip([modes.get("force_fp16")], npu=["iterations_per_loop=3"])
    device.prepare(tf.GraphDef(), [], mode)
    with tf.Graph().as_default() as graph:
        variable = tf.get_variable("x", initializer=tf.constant(1.0), use_resource=True)
        settings = StyleSettings()
        update = device.training(mode)([tf.square(variable.read_value())], variable, [variable], settings).operation
        initialize = tf.global_variables_initializer()
    with device.session(graph.as_graph_def()) as session:
        session.run(initialize.name)
        looped, steps = device.loop(session, update.name)
        assert steps == 3
        device.confirm(session, [looped])
        monkeypatch.setenv("STAND_IN_CARD", "unlooped")
        with pytest.raises(DeviceUnavailable, match="iterations_per_loop=3 took no effect: a call made 1 steps"):
            device.confirm(session, [looped])


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


def test_a_trial_on_the_card(run, monkeypatch, tmp_path):
    monkeypatch.setenv("DUMP_GRAPH_PATH", str(tmp_path / "of all"))
    result, samples = run(release="2021")
    assert result.status == "ok", (result.reason, result.log_tail)
    assert result.device == "npu" and not result.emulated
    assert result.environment.slot == "npu:2" and result.environment.variables["ASCEND_DEVICE_ID"] == "2"
    assert len(samples) == 5
    # Scored on the host: nothing on this card is float32, whatever its stand-in computes in.
    assert result.true_losses["total"] == pytest.approx(result.final_losses["total"], rel=1e-3)
    assert result.remarks[-1].code == "casts_not_checked"
    # Dumps of its own, wherever the user wants those of other programs.
    assert result.remarks[-1].values["folder"].startswith(str(tmp_path / "results"))


@IN_THE_CARD_S_TENSORFLOW
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


@IN_THE_CARD_S_TENSORFLOW
def test_the_line_in_the_log_alone_proves_the_card(run):
    result, samples = run("unreported")
    assert result.status == "ok" and len(samples) == 5, (result.reason, result.log_tail)


def test_a_card_that_was_not_used_refuses_the_trial(run):
    result, samples = run("silent")
    assert result.status == "refused" and not samples
    assert "npu:2: the card was not used: no GeOp among the" in result.reason
    assert "The model has been compiled on the Ascend AI processor" in result.reason


@IN_THE_CARD_S_TENSORFLOW
def test_a_card_that_is_busy_refuses_the_trial_with_its_words(run):
    result, _ = run("busy")
    assert result.status == "refused"
    assert "(busy, gone, or it does not compile): GE session build graph failed" in result.reason


@IN_THE_CARD_S_TENSORFLOW
def test_a_card_that_ends_the_process_refuses_the_trial(run):
    result, _ = run("aborts")
    assert result.status == "refused"
    assert result.reason == "npu:2: the adapter gave up: [GePlugin] Initialize ge failed"


def test_a_card_that_has_gone_refuses_the_trial(run, cards):
    (cards / "dev/davinci2").unlink()
    result, _ = run()
    assert result.status == "refused"
    assert "npu:2: no such card" in result.reason and "found npu:0" in result.reason


@IN_THE_CARD_S_TENSORFLOW
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


@IN_THE_CARD_S_TENSORFLOW
def test_a_loop_of_steps_is_one_sample(run, case):
    (mode,) = modes.on_chip([modes.get("allow_mix_precision+matmul32")], npu=["iterations_per_loop=2"])
    result, samples = run(mode=mode, case=case.model_copy(update={"steps": 6}))
    assert result.status == "ok", (result.reason, result.log_tail)
    assert [(sample["updates"], sample["steps"]) for sample in samples] == [(1, 2), (3, 2), (5, 2)]


@IN_THE_CARD_S_TENSORFLOW
@pytest.mark.parametrize(
    "card, mode, reason",
    [
        ("works", "allow_mix_precision_bf16", "the 910 has no bfloat16"),
        ("fades", "force_fp16", "the card was not used"),
        ("gone", "force_fp16", "the card did not run the graph .*: GE session build graph failed"),
    ],
)
def test_the_mission_says_in_one_line_what_the_card_does_not(cards, tmp_path, picture, style, card, mode, reason):
    output = tmp_path / "out.png"
    options = f"--network synthetic-narrow --width 40 --iterations 2 --device npu:2 --precision-mode {mode}"
    ended = subprocess.run(
        [sys.executable, str(ROOT / "neural_style.py"), "--content", picture, "--styles", style]
        + ["--output", str(output), "--checkpoint-output", str(tmp_path / "out_{}.png"), "--checkpoint-iterations", "1"]
        + options.split(),
        env=dict(os.environ, STAND_IN_CARD=card, XDG_CACHE_HOME=str(tmp_path / "cache")),
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 2 and "Traceback" not in ended.stderr
    assert re.search(f"^neural_style.py: npu.*: {reason}.*$", ended.stderr.rstrip().splitlines()[-1])
    assert not list(tmp_path.glob("out*"))
