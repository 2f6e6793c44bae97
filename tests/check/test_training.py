"""Graphs with variables: steps from their initialisers on, or from a checkpoint."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from harness import modes
from harness.devices.opening import open_device
from harness.step import inputs
from harness.step.building import build_step
from suites import shipped_case
from tests.check import graphs

FETCHES = ("train", "loss")
MODES = ("must_keep_origin_dtype", "allow_mix_precision")


def fetches(found, mode):
    return {fetch.name: fetch for fetch in found.modes[MODES.index(mode)].fetches}


@pytest.mark.parametrize("use_resource", [True, False])
def test_training_steps_are_run_from_the_initialisers(check, use_resource):
    found = check(lambda: graphs.training(use_resource), MODES, fetches=FETCHES, steps=8)
    assert (found.initializers, found.steps) == (("init",), 8)
    kept, mixed = (fetches(found, mode) for mode in MODES)
    assert list(kept) == ["loss:0", "update of last/kernel", "update of layer/kernel"]
    # Everything starts alike in every mode, random variables too.
    assert all(fetch.furthest == 0.0 for fetch in kept.values())
    assert all(0 < fetch.furthest <= fetch.limit for fetch in mixed.values())
    assert {fetch.fitness for fetch in mixed.values()} == {"fit"}
    assert all(max(fetch.exact_errors) < 1e-5 for fetch in kept.values())


def test_losses_are_held_at_every_step(check):
    from harness.check.running import Runner

    seen = []

    class Watched(Runner):
        def run(self, *arguments, **named):
            values = super().run(*arguments, **named)
            seen.append(values.fetches["loss:0"])
            return values

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("harness.check.measuring.Runner", Watched)
        check(graphs.training, MODES[:1], fetches=FETCHES, steps=8, samples=1)
    assert seen[0].shape == (8,) and np.all(np.diff(seen[0]) < 0)


def test_a_gradient_that_leaves_float16_is_found_in_what_the_steps_changed(check):
    found = check(lambda: graphs.training(scale=1e-6), MODES, fetches=FETCHES, steps=3)
    mixed = fetches(found, "allow_mix_precision")
    assert mixed["update of layer/kernel"].fitness == "wrong"
    assert found.modes[1].first is not None and found.modes[1].fitness == "wrong"


def test_variables_are_restored_from_the_checkpoint_beside_the_graph(check, tmp_path):
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(tf.float32, (4, 8), name="x")
        kernel = tf.get_variable("kernel", initializer=tf.zeros((8, 3)), use_resource=True)
        tf.matmul(x, kernel, name="out")
        saver = tf.train.Saver()
        session.run(tf.global_variables_initializer())
        kernel.load(graphs.weights(8, 3), session)
        saver.save(session, str(tmp_path / "model"))
    found = check(str(tmp_path / "model.meta"), MODES, fetches=("out",))
    (rounded,) = fetches(found, "allow_mix_precision").values()
    assert 0 < rounded.furthest < rounded.limit  # zeros would have no error
    assert found.initializers == ("save/restore_all",)


@pytest.mark.slow
def test_the_style_step_is_judged_as_its_pictures_are(check, tmp_path):
    """As suite accuracy judges the same case: the Gram products saturate unless they stay float32."""
    case = inputs.resolve(shipped_case(size=64, steps=10), cache="")
    loaded = inputs.load(case, cache="")
    float32 = modes.get("must_keep_origin_dtype")
    graph = build_step(loaded.case, float32, open_device("cpu"), loaded.pictures, loaded.network)
    (tmp_path / "step.pb").write_bytes(graph.graph_def.SerializeToString())
    fetches = (graph.update, graph.losses["total"], graph.losses["style"])
    found = check(str(tmp_path / "step.pb"), fetches=fetches, steps=10)
    assert {mode.mode.name: mode.fitness for mode in found.modes} == {
        "must_keep_origin_dtype": "fit",
        "allow_fp32_to_fp16": "wrong",
        "force_fp16": "wrong",
        "allow_mix_precision": "wrong",
        "allow_mix_precision+matmul32": "fit",
    }
    mixed = found.modes[modes.NAMES.index("allow_mix_precision")]
    assert [op.op for op in mixed.lost if op.saturated] == [f"gram_relu{stage}_1/MatMul" for stage in (5, 4, 3, 2, 1)]
    assert mixed.first.op.startswith("gram_relu")
