"""Runs that are judged: healthy ones, known faults, and baselines that cannot be used."""

import json

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from harness import modes
from harness.gates import approval, exit_status
from harness.records import Case, Verdict
from harness.remark import remark
from harness.step import building, inputs
from harness.store.baselines import Baselines
from model import images, stylization
from model.settings import StyleSettings
from reports.language import ENGLISH
from tests.fidelity.runs import MENDED, PLAIN, PLAN, REFERENCE, judged, make_run


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A case of 48x40 pixels in the narrow network, five steps from the content."""
    folder = tmp_path_factory.mktemp("pictures")
    rows, columns = np.mgrid[0:40, 0:48]
    paths = []
    for name, red in (("content", rows * 6), ("style", (rows // 4 + columns // 4) % 2 * 255)):
        path = folder / f"{name}.png"
        pixels = np.stack([red, columns * 5, (rows * columns) % 256], axis=-1).astype(np.uint8)
        path.write_bytes(images.encode(pixels, ".png"))
        paths.append(str(path))
    # Less style than usual: the narrow network's gradients would not fit into float16.
    settings = StyleSettings(style_weight=0.5)
    case = Case(id="small", content=paths[0], styles=(paths[1],), size=48, steps=5, settings=settings)
    return inputs.resolve(case.model_copy(update={"network": "synthetic-narrow"}), cache="")


@pytest.fixture(scope="module")
def healthy(small, tmp_path_factory):
    """A run in float32 and two mixed modes, its folder, and its approved baselines."""
    folder = tmp_path_factory.mktemp("healthy")
    run = make_run(small, folder, (REFERENCE, PLAIN, MENDED))
    return run, folder


@pytest.fixture
def approved(healthy, tmp_path, monkeypatch):
    run, folder = healthy
    monkeypatch.delenv("CI", raising=False)
    baselines = Baselines(tmp_path / "baselines")
    approval.approve(approval.propose(judged(run, folder, baselines), baselines, "the first", folder), baselines)
    return baselines


def verdict_of(run, which, mode=REFERENCE) -> Verdict:
    return next(verdict for verdict in run.verdicts if (verdict.gate, verdict.mode) == (which, mode))


def item_of(run, mode):
    return next(item for item in run.fidelity if item.mode == mode)


# What is measured


def test_probes_disturb_nothing_and_tell_local_from_accumulated_error(healthy):
    run, _ = healthy
    for trial in run.trials:
        assert trial.fidelity.neutral is True
    probes = {trial.mode: {(probe.name, probe.kind): probe for probe in trial.fidelity.probes} for trial in run.trials}
    assert probes[REFERENCE]["relu5_1", "activation"].accumulated.relative_l2 < 1e-5
    deep = probes[MENDED]["relu5_1", "activation"]
    assert 1e-5 < deep.local.relative_l2 < deep.accumulated.relative_l2 < 1e-2
    assert probes[REFERENCE]["picture", "gradient"].accumulated.cosine > 0.999


def test_the_reference_mode_measures_what_noise_and_faults_do(healthy):
    run, _ = healthy
    reference, plain, _ = run.trials
    fine, coarse = reference.fidelity.envelopes
    assert (fine.noise, coarse.noise) == ("float32", "float16") and len(fine.distances) == PLAN.envelope
    assert max(fine.distances) < min(coarse.distances)
    assert np.median(fine.growth, axis=0)[-1] < np.median(coarse.growth, axis=0)[-1]
    assert {control.fault for control in reference.fidelity.controls} == {
        "avg pooling",
        "tv term dropped",
        "style layer weights off",
    }
    assert plain.fidelity.envelopes == ()


def test_plain_mixed_precision_is_wrong_and_its_mended_form_is_fit(healthy, tmp_path):
    run, folder = healthy
    run = judged(run, folder, Baselines(tmp_path))
    assert item_of(run, REFERENCE).fitness == "fit"
    plain = item_of(run, PLAIN)
    assert plain.fitness == "wrong"
    assert plain.reasons[0].values["part"] == remark("gram_part") and plain.reasons[0].code == "saturates"
    assert item_of(run, MENDED).fitness == "fit", item_of(run, MENDED).reasons
    assert verdict_of(run, "fitness", PLAIN).advisory
    required = judged(run, folder, Baselines(tmp_path), require_fit=True)
    assert exit_status.exit_status([verdict_of(required, "fitness", PLAIN)]) == 1


@pytest.mark.skipif(tf.__version__ < "2", reason="TensorFlow 1.15 has no bfloat16 convolutions")
def test_a_native_mode_is_judged_by_the_noise_of_its_own_format(small, tmp_path):
    native = "allow_mix_precision_bf16"
    run = make_run(small, tmp_path, (REFERENCE, native), formats=("bfloat16",))
    run = judged(run, tmp_path, Baselines(tmp_path / "baselines"))
    (envelope,) = run.trials[0].fidelity.envelopes
    assert envelope.noise == "bfloat16"
    item = item_of(run, native)
    assert item.fitness == "fit", item.reasons
    assert run.trials[1].fidelity.neutral is True
    errors = [
        next(probe for probe in trial.fidelity.probes if (probe.name, probe.kind) == ("relu5_1", "activation"))
        for trial in run.trials
    ]
    exact, narrow = (probe.accumulated.relative_l2 for probe in errors)
    assert exact < 1e-5 and 1e-4 < narrow < 0.04


def test_without_the_reference_mode_nothing_is_judged(healthy, approved):
    run, folder = healthy
    run = run.model_copy(update={"trials": [trial for trial in run.trials if trial.mode != REFERENCE]})
    run = judged(run, folder, approved)
    assert item_of(run, MENDED).fitness == "not_judged"
    assert verdict_of(run, "regression", MENDED).reason == "no_envelope"
    assert verdict_of(run, "regression", MENDED).outcome == "inconclusive"


# Regression


def test_the_same_again_passes(healthy, approved):
    run, folder = healthy
    run = judged(run, folder, approved)
    assert {verdict.outcome for verdict in run.verdicts if verdict.gate == "regression"} == {"pass"}
    assert item_of(run, PLAIN).to_baseline.ssim == 1
    assert approval.propose(run, approved, "again", folder) == []


def test_a_healthy_twin_passes(small, approved, tmp_path, monkeypatch):
    """One ulp on the start is harmless."""
    initial = stylization.initial_picture
    monkeypatch.setattr(stylization, "initial_picture", lambda *inputs: initial(*inputs) * (1 + 2.0**-23))
    run = judged(make_run(small, tmp_path), tmp_path, approved)
    assert verdict_of(run, "regression").outcome == "pass", verdict_of(run, "regression").details
    assert item_of(run, REFERENCE).regression_bounds


def _settings(**changes):
    def fault(case, network):
        return case.model_copy(update={"settings": case.settings.model_copy(update=changes)}), network

    return fault


def _kernel(change):
    def fault(case, network):
        return case, network._replace(kernels={**network.kernels, "conv3_1": change(network.kernels["conv3_1"])})

    return fault


def _eight_bits(kernel):
    step = np.abs(kernel).max() / 127
    return (np.rint(kernel / step) * step).astype(kernel.dtype)


def _mean_pixel(case, network):
    return case, network._replace(mean_pixel=network.mean_pixel + 1)


FAULTS = {
    "weights rounded to 8 bits": (_kernel(_eight_bits), "relu3_1 activation"),
    "transposed kernel": (_kernel(lambda kernel: kernel.swapaxes(0, 1)), "relu3_1 activation"),
    "tv term dropped": (_settings(tv_weight=0.0), "tv loss"),
    "style layer weights off": (_settings(style_layer_weight_exp=1.1), "style loss"),
    "mean pixel off by one": (_mean_pixel, "relu1_1 activation"),
    "average pooling": (_settings(pooling="avg"), "relu2_1 activation"),
    "beta2 0.99": (_settings(beta2=0.99), "picture after 2 updates"),
}
_SLOW = ("transposed kernel", "style layer weights off", "mean pixel off by one", "average pooling")


@pytest.mark.parametrize(
    "fault, seen_at",
    [
        pytest.param(*fault, id=name, marks=[pytest.mark.slow] if name in _SLOW else [])
        for name, fault in FAULTS.items()
    ],
)
def test_an_injected_fault_fails_and_is_seen_where_it_is(fault, seen_at, small, approved, tmp_path, monkeypatch):
    build = building.build_step

    def build_faulty(case, mode, device, pictures, network, *dtype):
        case, network = fault(case, network)
        return build(case, mode, device, pictures, network, *dtype)

    monkeypatch.setattr(building, "build_step", build_faulty)
    _expect_failure(judged(make_run(small, tmp_path), tmp_path, approved), seen_at)


@pytest.mark.slow
def test_a_clipped_activation_fails(small, approved, tmp_path, monkeypatch):
    relu = stylization.tf.nn.relu

    def clipped(tensor):
        is_faulty = "relu4_1" in stylization.tf.get_default_graph().get_name_scope()
        return stylization.tf.minimum(relu(tensor), 65504 / 64) if is_faulty else relu(tensor)

    monkeypatch.setattr(stylization.tf.nn, "relu", clipped)
    _expect_failure(judged(make_run(small, tmp_path), tmp_path, approved), "relu4_1 activation")


def _expect_failure(run, seen_at):
    verdict = verdict_of(run, "regression")
    assert (verdict.outcome, verdict.reason) == ("fail", "regressed")
    bounds = item_of(run, REFERENCE).regression_bounds
    failed = [ENGLISH.remark(bound.figure) for bound in bounds if not bound.ok]
    assert failed[0] == seen_at, failed
    assert exit_status.exit_status(run.verdicts) == 1


# Baselines that cannot be used


def _baseline(baselines, suffix):
    (path,) = baselines.root.glob(f"tiny/small/*-{REFERENCE}{suffix}")
    return path


def test_without_a_baseline_it_is_missing(healthy, tmp_path):
    run, folder = healthy
    verdict = verdict_of(judged(run, folder, Baselines(tmp_path)), "regression")
    assert (verdict.outcome, verdict.reason) == ("missing", "no_baseline")


@pytest.mark.parametrize(
    "damage, said",
    [
        (lambda png: png[: len(png) // 2], "png"),
        (lambda png: b"", "png"),
        (lambda png: images.encode(np.zeros((40, 48, 3), np.uint8), ".png"), "not the picture that was approved"),
    ],
    ids=["truncated", "empty", "another picture"],
)
def test_a_damaged_picture_is_never_a_pass(damage, said, healthy, approved):
    run, folder = healthy
    path = _baseline(approved, ".png")
    path.write_bytes(damage(path.read_bytes()))
    verdict = verdict_of(judged(run, folder, approved), "regression")
    assert (verdict.outcome, verdict.reason) == ("missing", "bad_baseline")
    assert said in verdict.details[0].values["text"]


def test_a_picture_of_another_size_is_incomparable(healthy, approved):
    run, folder = healthy
    baseline = approved.load("tiny", "small", REFERENCE, _baseline(approved, ".json").name.split(f"-{REFERENCE}")[0])
    png = images.encode(np.zeros((36, 48, 3), np.uint8), ".png")
    section = baseline.fidelity.model_copy(update={"picture_sha256": approval.hashlib.sha256(png).hexdigest()})
    approved.save(baseline.model_copy(update={"fidelity": section}), png)
    verdict = verdict_of(judged(run, folder, approved), "regression")
    assert (verdict.outcome, verdict.reason) == ("missing", "other_size")
    assert verdict.details == (remark("sizes", stored="48x36", drawn="48x40"),)


@pytest.mark.parametrize(
    "change, reason",
    [
        ({"schema_version": 99}, "bad_baseline"),
        ({"case_digest": "0" * 64}, "other_case"),
        ({"fidelity": None}, "no_baseline"),
        ({"mode": modes.get(PLAIN).model_dump(mode="json")}, "other_mode"),
    ],
)
def test_a_baseline_of_something_else_is_incomparable(change, reason, healthy, approved):
    run, folder = healthy
    path = _baseline(approved, ".json")
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    run = judged(run, folder, approved)
    assert (verdict_of(run, "regression").outcome, verdict_of(run, "regression").reason) == ("missing", reason)
    assert exit_status.exit_status(run.verdicts) == 4


def test_an_advisory_case_is_shown_and_never_gates(healthy, tmp_path):
    run, folder = healthy
    case = run.suite.cases[0].model_copy(update={"advisory": True})
    assert case.digest() == run.suite.cases[0].digest()
    run = run.model_copy(update={"suite": run.suite.model_copy(update={"cases": (case,)})})
    verdicts = judged(run, folder, Baselines(tmp_path)).verdicts
    assert exit_status.exit_status(verdicts) == 0
    assert all(verdict.advisory for verdict in verdicts if verdict.gate == "regression")
