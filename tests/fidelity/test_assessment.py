"""Runs that are judged: healthy ones, known faults, and baselines that cannot be used."""

import json
import os
import shutil

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from PIL import Image

from harness import modes
from harness.errors import UsageError
from harness.fidelity import probes, subject
from harness.fidelity.approved import with_approved_noise
from harness.gates import approval, exit_status
from harness.records import Case, Trial, Verdict
from harness.remark import remark
from harness.step import inputs
from harness.store.baselines import Baselines
from model import images, stylization
from model.settings import StyleSettings
from reports import stored_run
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
    fine, (coarse,) = reference.fidelity.spread, reference.fidelity.envelopes
    assert (fine.noise, coarse.noise) == ("float32", "float16") and len(fine.distances) == PLAN.envelope
    assert max(fine.distances) < min(coarse.distances)
    assert [len(run) for run in fine.growth] == [len(PLAN.marks(5))] * PLAN.envelope
    assert np.median(fine.growth, axis=0)[-1] < np.median(coarse.growth, axis=0)[-1]
    assert {control.fault for control in reference.fidelity.controls} == {
        "avg pooling",
        "tv term dropped",
        "style layer weights off",
    }
    assert all(control.distance > 0 and control.channel > 0 for control in reference.fidelity.controls)
    # Every mode's own spread, and what it is fit by once.
    assert plain.fidelity.envelopes == () and len(plain.fidelity.spread.distances) == PLAN.envelope


def _noise(measured):
    return measured.spread, measured.envelopes, measured.controls


def test_an_unchanged_picture_takes_over_the_noise_of_the_approved_one(healthy, approved, small, tmp_path, monkeypatch):
    run, _ = healthy
    monkeypatch.setattr(probes, "measure_envelopes", None)  # none is measured
    again = make_run(small, tmp_path, (REFERENCE, PLAIN), baselines=str(approved.root))
    for before, now in zip(run.trials, again.trials):
        assert _noise(now.fidelity) == _noise(before.fidelity)
        assert (before.fidelity.noise_of, now.fidelity.noise_of) == ("", run.id)
    run = judged(again, tmp_path, approved)
    assert [verdict_of(run, "regression", mode).outcome for mode in (REFERENCE, PLAIN)] == ["pass", "pass"]
    assert item_of(run, PLAIN).fitness == "wrong" and item_of(run, REFERENCE).gateable is not None


def _changed(measured, **changes):
    return measured.model_copy(update={**changes, "spread": None, "envelopes": (), "controls": (), "noise_of": ""})


def test_noise_is_taken_over_where_nothing_has_changed_alone(healthy, approved, small):
    run, folder = healthy
    measured, tensorflow = run.trials[0].fidelity, run.trials[0].environment.tensorflow
    trial = Trial(
        id="t", case=small, mode=run.suite.modes[0], device="cpu", replicate=1, picture="", cache="", suite="tiny",
        baselines=str(approved.root),
    )  # fmt: skip
    faults = [control.fault for control in measured.controls]

    def taken(now=measured, trial=trial, plan=PLAN, kind="cpu", formats=("float16",), faults=faults):
        return with_approved_noise(_changed(now), trial, plan, kind, tensorflow, formats, faults)

    assert _noise(taken()) == _noise(measured) and taken().noise_of == run.id
    first, *others = measured.probes
    moved = first.model_copy(update={"norm": np.nextafter(first.norm, 0)})
    nearly = measured.model_copy(update={"probes": (moved, *others)})
    assert taken(nearly) is None
    assert taken(trial=trial.model_copy(update={"baselines": ""})) is None
    assert taken(trial=trial.model_copy(update={"suite": "other"})) is None
    assert taken(trial=trial.model_copy(update={"case": small.model_copy(update={"seed": 9})})) is None
    mended = modes.get(MENDED).model_copy(update={"name": REFERENCE})
    assert taken(trial=trial.model_copy(update={"mode": mended})) is None
    assert taken(kind="npu") is None
    assert taken(plan=PLAN.model_copy(update={"envelope": PLAN.envelope + 1})) is None
    assert taken(formats=("float16", "bfloat16")) is None
    assert taken(faults=faults[1:]) is None
    path = approved.path("tiny", small.id, REFERENCE, subject.variant(run.trials[0]))
    path.write_text(path.read_text().replace("the first", "another"))
    assert taken() is None  # the gate says that it is damaged


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


def test_without_the_reference_mode_a_picture_is_held_against_its_baseline_alone(healthy, approved):
    run, folder = healthy
    run = run.model_copy(update={"trials": [trial for trial in run.trials if trial.mode != REFERENCE]})
    run = judged(run, folder, approved)
    assert item_of(run, MENDED).fitness == "not_judged"
    assert verdict_of(run, "regression", MENDED).outcome == "pass"


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


def test_a_tensor_that_the_reference_mode_has_no_more_is_held_against_the_baseline_alone(healthy, approved):
    run, folder = healthy
    reference = run.trials[0]
    kept = tuple(probe for probe in reference.fidelity.probes if probe.name != "relu1_1")
    changed = reference.model_copy(update={"fidelity": reference.fidelity.model_copy(update={"probes": kept})})
    run = judged(run.model_copy(update={"trials": [changed, *run.trials[1:]]}), folder, approved)
    assert verdict_of(run, "regression", MENDED).outcome == "pass"
    assert "relu1_1 activation" not in item_of(run, MENDED).headroom
    verdict = verdict_of(run, "regression")
    assert "relu1_1 activation: no longer there" in " ".join(map(ENGLISH.remark, verdict.details))


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


def test_a_baseline_packed_into_another_file_is_the_same_baseline(healthy, approved):
    run, folder = healthy
    path = _baseline(approved, ".png")
    before = path.read_bytes()
    Image.open(str(path)).save(str(path), compress_level=0)
    assert path.read_bytes() != before
    assert verdict_of(judged(run, folder, approved), "regression").outcome == "pass"


def _stored(baselines):
    return baselines.load("tiny", "small", REFERENCE, _baseline(baselines, ".json").name.split(f"-{REFERENCE}")[0])


def test_a_picture_of_another_size_is_incomparable(healthy, approved):
    run, folder = healthy
    pixels = np.zeros((36, 48, 3), np.uint8)
    section = _stored(approved).fidelity.model_copy(update={"picture_sha256": images.digest(pixels)})
    approved.save(_stored(approved).model_copy(update={"fidelity": section}), images.encode(pixels, ".png"))
    verdict = verdict_of(judged(run, folder, approved), "regression")
    assert (verdict.outcome, verdict.reason) == ("missing", "other_size")
    assert verdict.details == (remark("sizes", stored="48x36", drawn="48x40"),)


@pytest.mark.parametrize(
    "change, reason",
    [
        ({"case_digest": "0" * 64}, "other_case"),
        ({"fidelity": None}, "no_baseline"),
        ({"mode": modes.get(REFERENCE).model_copy(update={"npu_options": {"op_debug_level": "1"}})}, "other_mode"),
    ],
)
def test_a_baseline_of_something_else_is_incomparable(change, reason, healthy, approved):
    run, folder = healthy
    approved.save(_stored(approved).model_copy(update=change))
    run = judged(run, folder, approved)
    assert (verdict_of(run, "regression").outcome, verdict_of(run, "regression").reason) == ("missing", reason)
    assert exit_status.exit_status(run.verdicts) == 4


@pytest.mark.parametrize(
    "change, said",
    [
        ({"schema_version": 99}, "schema version 99"),
        ({"case_digest": "0" * 64}, "its checksum is not that of its figures"),
        ({"device": "cpu-tf9"}, "its checksum is not that of its figures"),
        ({"checksum": ""}, "its checksum is not that of its figures"),
    ],
)
def test_a_baseline_changed_by_hand_is_refused(change, said, healthy, approved):
    run, folder = healthy
    path = _baseline(approved, ".json")
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    verdict = verdict_of(judged(run, folder, approved), "regression")
    assert (verdict.outcome, verdict.reason) == ("missing", "bad_baseline")
    assert said in ENGLISH.remark(verdict.details[0])


def test_a_baseline_under_another_name_is_refused(healthy, approved):
    run, folder = healthy
    path = _baseline(approved, ".json")
    other = path.with_name(path.name.replace(REFERENCE, MENDED))
    path.rename(other)
    verdict = verdict_of(judged(run, folder, approved), "regression", MENDED)
    assert (verdict.outcome, verdict.reason) == ("missing", "bad_baseline")
    assert f"{path.name} under another name" in ENGLISH.remark(verdict.details[0])


def _measured(**changes):
    return lambda section: section.model_copy(update={"measured": section.measured.model_copy(update=changes)})


def _without_sketches(section):
    probes = tuple(probe.model_copy(update={"sketch": ()}) for probe in section.measured.probes)
    return _measured(probes=probes)(section)


LOST = {
    "all probes but the total": (
        lambda section: _measured(probes=tuple(p for p in section.measured.probes if p.name == "total"))(section),
        "no relu1_1 activation",
    ),
    "all probes": (_measured(probes=()), "no relu1_1 activation"),
    "sketches": (_without_sketches, "no sketch of relu1_1 activation"),
    "headroom": (lambda section: section.model_copy(update={"headroom": {}}), "no headroom of relu1_1 activation"),
    "snapshots": (_measured(snapshots=()), "0 pictures on the way, expected 3"),
    "spread": (_measured(spread=None), "no spread: what healthy noise does"),
}


@pytest.mark.parametrize("lose, said", LOST.values(), ids=list(LOST))
def test_what_a_baseline_lacks_is_missing_and_never_a_pass(lose, said, healthy, approved):
    run, folder = healthy
    baseline = _stored(approved)
    approved.save(baseline.model_copy(update={"fidelity": lose(baseline.fidelity)}))
    verdict = verdict_of(judged(run, folder, approved), "regression")
    assert (verdict.outcome, verdict.reason) == ("missing", "incomplete_baseline")
    assert said in map(ENGLISH.remark, verdict.details)


@pytest.mark.parametrize("losses", ["reported_losses", "true_losses"])
def test_a_baseline_whose_losses_have_no_total_is_refused(losses, healthy, approved):
    run, folder = healthy
    baseline = _stored(approved)
    section = _measured(**{losses: {"style": 1.0}})(baseline.fidelity)
    approved.save(baseline.model_copy(update={"fidelity": section}))
    verdict = verdict_of(judged(run, folder, approved), "regression")
    assert (verdict.outcome, verdict.reason) == ("missing", "bad_baseline")
    assert f"{losses}: expected a total among the losses" in ENGLISH.remark(verdict.details[0])


# Pictures that are not the run's


def test_a_picture_swapped_after_the_run_is_not_approved(healthy, tmp_path, monkeypatch):
    run, folder = healthy
    monkeypatch.delenv("CI", raising=False)
    baselines = Baselines(tmp_path / "baselines")
    run = judged(run, folder, baselines)
    copy = tmp_path / "run"
    shutil.copytree(str(folder), str(copy))
    (copy / f"{MENDED}.png").write_bytes((copy / f"{PLAIN}.png").read_bytes())
    with pytest.raises(UsageError, match="not the one that the run drew"):
        approval.propose(run, baselines, "swapped", copy)


OUTSIDE = ("/etc/passwd", "../secret.png", "link.png", "pipe", "folder", "nul\0.png", "none.png")


@pytest.mark.parametrize("name", OUTSIDE)
def test_a_record_leads_only_inside_its_own_folder(name, healthy, tmp_path):
    run, folder = healthy
    copy = tmp_path / "run"
    shutil.copytree(str(folder), str(copy))
    secret = tmp_path / "secret.png"
    secret.write_bytes((folder / f"{MENDED}.png").read_bytes())
    (copy / "link.png").symlink_to(secret)
    os.mkfifo(str(copy / "pipe"))
    (copy / "folder").mkdir()
    baselines = Baselines(tmp_path / "baselines")
    run = judged(run, folder, baselines)
    trials = [trial.model_copy(update={"picture": name}) for trial in run.trials]
    with pytest.raises(UsageError, match="file "):
        approval.propose(run.model_copy(update={"trials": trials}), baselines, "anything", copy)
    assert stored_run.Evidence(run, copy).file(name) is None


def test_what_passed_is_not_approved_anew(healthy, approved):
    run, folder = healthy
    trial = run.trials[0].model_copy(update={"fidelity": run.trials[0].fidelity.model_copy(update={"window": 3})})
    run = judged(run.model_copy(update={"trials": [trial, *run.trials[1:]]}), folder, approved)
    assert approval.propose(run, approved, "again", folder) == []


def test_of_no_known_revision_nothing_is_approved(healthy, tmp_path):
    run, folder = healthy
    environment = run.environment.model_copy(update={"revision": None})
    run = judged(run.model_copy(update={"environment": environment}), folder, Baselines(tmp_path))
    with pytest.raises(UsageError, match="nobody knows of which revision it is"):
        approval.propose(run, Baselines(tmp_path), "without git", folder)


def test_what_noise_may_move_further_than_every_known_fault_cannot_gate(healthy, approved):
    run, folder = healthy
    baseline = _stored(approved)
    wide = baseline.fidelity.measured.spread.model_copy(update={"distances": (0.9,) * PLAN.envelope})
    approved.save(baseline.model_copy(update={"fidelity": _measured(spread=wide)(baseline.fidelity)}))
    trial = run.trials[0]
    changed = trial.model_copy(update={"fidelity": trial.fidelity.model_copy(update={"spread": wide})})
    run = judged(run.model_copy(update={"trials": [changed, *run.trials[1:]]}), folder, approved)
    verdict = verdict_of(run, "regression")
    assert (verdict.outcome, verdict.reason) == ("inconclusive", "cannot_gate")
    assert "cannot gate" in ENGLISH.remark(verdict.details[0]) and item_of(run, REFERENCE).gateable is False


def test_an_advisory_case_is_shown_and_never_gates(healthy, tmp_path):
    run, folder = healthy
    case = run.suite.cases[0].model_copy(update={"advisory": True})
    assert case.digest() == run.suite.cases[0].digest()
    run = run.model_copy(update={"suite": run.suite.model_copy(update={"cases": (case,)})})
    verdicts = judged(run, folder, Baselines(tmp_path)).verdicts
    assert exit_status.exit_status(verdicts) == 0
    assert all(verdict.advisory for verdict in verdicts if verdict.gate == "regression")
