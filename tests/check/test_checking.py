"""What a check finds in graphs with and without faults, in one process."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from harness.errors import UsageError
from tests.check import graphs


def of(check, name):
    return next(mode for mode in check.modes if mode.mode.name == name)


def fitness(check):
    return {mode.mode.name: mode.fitness for mode in check.modes}


@pytest.mark.parametrize("make", [graphs.healthy, graphs.classifier])
def test_a_healthy_graph_is_right_in_every_mode(check, make):
    found = check(make)
    assert set(fitness(found).values()) == {"fit"}
    (kept,) = of(found, "must_keep_origin_dtype").fetches
    assert (kept.name, kept.furthest, kept.headroom) == ("out:0", 0.0, 1.0)
    (rounded,) = of(found, "force_fp16").fetches
    # float16's unit roundoff is 4.9e-4, so that healthy results lie some tenths of it to some times it apart
    assert 5e-5 < rounded.mean < rounded.limit < 0.01
    assert rounded.headroom > 100 and rounded.errors[0].cosine > 0.999999
    assert rounded.interval[0] < rounded.mean < rounded.interval[1]


@pytest.mark.parametrize(
    "make, low, high, wrong, first, reason",
    [
        (
            graphs.far_divisor, -1.0, 1.0, {"force_fp16", "allow_mix_precision"},
            ("mean/quotient", "RealDiv", "16,16>16"), "constants_saturate",
        ),
        (graphs.long_sum, 0.0, 2.0, {"force_fp16"}, ("total/sum", "ReduceSumD", "16>16"), "ops_saturate"),
    ],
)  # fmt: skip
def test_a_fault_is_found_where_it_is(check, make, low, high, wrong, first, reason):
    found = check(make, low=low, high=high)
    assert {name for name, one in fitness(found).items() if one == "wrong"} == wrong
    for name in wrong:
        mode = of(found, name)
        assert (mode.first.op, mode.first.type, mode.first.dtypes) == first
        assert reason in [told.code for told in mode.reasons]
        assert mode.first.distance > mode.first.limit


def test_a_softmax_that_takes_no_maximum_off_is_found(check):
    found = check(graphs.bare_softmax, low=-3.0, high=3.0)
    wrong = [mode for mode in found.modes if mode.fitness == "wrong"]
    assert [mode.mode.name for mode in wrong] == ["force_fp16", "allow_mix_precision"]
    for mode in wrong:
        assert (mode.first.op, mode.first.dtypes) == ("softmax/exp", "16>16")
        assert {op.op for op in mode.lost if op.saturated} >= {"softmax/exp"}


def test_what_the_table_does_not_know_leaves_a_mode_unjudged(check):
    def make():
        x = tf.placeholder(tf.float32, (4, 32), name="x")
        tf.lgamma(tf.matmul(x, graphs.weights(32, 8)) ** 2 + 1.0, name="out")

    found = check(make, ["must_keep_origin_dtype", "allow_mix_precision"])
    assert fitness(found) == {"must_keep_origin_dtype": "fit", "allow_mix_precision": "not_judged"}
    codes = [told.code for told in of(found, "allow_mix_precision").reasons]
    assert codes == ["unknown_types_in_float32"]


def test_every_op_is_held_against_float32_when_asked_for(check):
    found = check(graphs.healthy, ["force_fp16"], every_op=True)
    (mode,) = found.modes
    assert [op.op for op in mode.ops] == ["first/MatMul", "first/Relu", "second/MatMul", "out/Muls"]
    assert mode.first is None and not any(op.parts for op in mode.ops)
    assert all(0 < op.distance < op.limit for op in mode.ops)


def test_the_graphs_own_random_numbers_are_the_same_in_every_mode(check):
    def make():
        x = tf.placeholder(tf.float32, (8, 64), name="x")
        tf.matmul(x * tf.random_normal((8, 64)), graphs.weights(64, 8), name="out")

    first, second = (check(make, ["must_keep_origin_dtype", "force_fp16"]) for _ in range(2))
    assert of(first, "must_keep_origin_dtype").fetches[0].furthest == 0.0
    assert of(first, "force_fp16").fitness == "fit"
    assert of(first, "force_fp16").fetches == of(second, "force_fp16").fetches


def test_integers_are_compared_by_the_share_that_differs(check):
    def make():
        x = tf.placeholder(tf.float32, (1000, 2), name="x")
        tf.argmax(x / 200000.0 * tf.constant([[1.0, 1e-4]]), 1, name="out")

    found = check(make, ["must_keep_origin_dtype", "force_fp16"], low=0.0)
    assert of(found, "must_keep_origin_dtype").fetches[0].errors[0].distance == 0.0
    error = of(found, "force_fp16").fetches[0].errors[0]
    assert error.cosine is None and 0.0 <= error.distance <= 1.0


def test_what_noise_alone_changes_is_not_judged(check):
    def make():
        x = tf.placeholder(tf.float32, (1, 1000), name="x")
        tf.multiply(x - 100.0, 1.0, name="out")

    found = check(make, ["force_fp16"], low=99.9, high=100.1)
    assert fitness(found) == {"force_fp16": "not_judged"}
    assert [told.values["reason"].code for told in found.modes[0].reasons] == ["fetch_chaotic"]


@pytest.mark.parametrize("is_training", [False, True])
def test_float64_is_had_through_batch_norms_and_around_what_has_no_kernel(check, is_training):
    def make():
        x = tf.placeholder(tf.float32, (1, 8, 8, 4), name="x")
        values = [np.float32(value) for value in ([1, 2, 3, 4], [0, 1, 0, 1], [0.5, 0, 0, 0], [1, 2, 1, 2])]
        if is_training:
            values = values[:2]
        y = tf.nn.fused_batch_norm(x, *values, is_training=is_training, name="norm")[0]
        y = tf.nn.conv2d(y, graphs.weights(3, 3, 4, 2), [1, 1, 1, 1], "SAME")
        tf.image.resize_bilinear(y, (16, 16), name="out")

    found = check(make, ["must_keep_origin_dtype", "force_fp16"])
    kept, rounded = (of(found, name).fetches[0] for name in ("must_keep_origin_dtype", "force_fp16"))
    assert 0 < max(kept.exact_errors) < 1e-6 and kept.headroom == 1.0
    assert 1e-5 < max(rounded.exact_errors) < 1e-2
    assert [(told.code, told.values["ops"], told.values["first"]) for told in found.remarks] == [
        ("left_in_float32", 1, "out")
    ]


def test_feeds_of_a_file_are_used(check, tmp_path):
    path = graphs.save(tmp_path / "healthy.pb", graphs.healthy)
    np.savez(str(tmp_path / "one.npz"), x=np.zeros((4, 32), np.float32))
    found = check(path, ["force_fp16"], feeds=(str(tmp_path / "one.npz"),))
    assert (found.feeds.files, found.feeds.low, found.feeds.samples) == (("one.npz",), None, 1)
    (fetch,) = found.modes[0].fetches
    assert fetch.furthest == 0.0  # zeros, in every format
    assert fetch.interval is None


def test_variables_need_what_sets_them(check):
    def make():
        x = tf.placeholder(tf.float32, (2, 3), name="x")
        tf.matmul(x, tf.get_variable("w", initializer=tf.ones((3, 2))), name="out")

    with pytest.raises(UsageError, match=r"has 1 variables, the first is w \(expected --init-op NAME"):
        check(make, ["force_fp16"])


def test_a_queue_that_nothing_fills_is_refused_and_can_be_fed_in_its_place(check, tmp_path):
    def make(fills=False):
        queue = tf.FIFOQueue(3, [tf.float32], shapes=[(2, 3)], name="batches")
        batch = queue.dequeue(name="batch")
        if fills:
            with tf.control_dependencies([queue.enqueue(tf.ones((2, 3)))]):
                batch = queue.dequeue()
        tf.nn.relu(batch, name="out")

    with pytest.raises(UsageError, match=r"QueueDequeueV2 batch waits for what .* \(expected --input NAME, to feed"):
        check(make, ["force_fp16"])
    (filled,) = check(lambda: make(fills=True), ["force_fp16"], fetches=("out",)).modes
    np.savez(str(tmp_path / "batch.npz"), batch=np.ones((2, 3), np.float32))
    (fed,) = check(make, ["force_fp16"], inputs=("batch",), feeds=(str(tmp_path / "batch.npz"),)).modes
    assert filled.fitness == fed.fitness == "fit"


def looped():
    x = tf.placeholder(tf.float32, (4, 8), name="x")
    weight = graphs.weights(8, 8)
    y = tf.while_loop(lambda i, y: i < 3, lambda i, y: (i + 1, tf.matmul(y, weight) / 7.0), [0, x])[1]
    tf.multiply(y, 1.0 / 3, name="out")


def test_loops_are_checked_without_counting_in_them(check, control_flow_v1):
    kept, rounded = check(looped, ["must_keep_origin_dtype", "force_fp16"], every_op=True).modes
    assert kept.fetches[0].furthest == 0.0
    assert 0.0 < rounded.fetches[0].furthest < 1e-2
    assert "out" in [op.op for op in rounded.ops]


def test_functional_loops_are_checked_like_the_old_ones(check, control_flow_v1):
    (old,) = check(looped, ["force_fp16"], fetches=("out",)).modes
    if tf.__version__ >= "2":
        tf.enable_control_flow_v2()
    (new,) = check(looped, ["force_fp16"], fetches=("out",)).modes
    assert [fetch.errors for fetch in new.fetches] == [fetch.errors for fetch in old.fetches]


def test_a_fetch_without_numbers_is_not_judged_but_where_float16_makes_some_of_it(check):
    def make():
        x = tf.placeholder(tf.float32, (0, 8), name="x")
        tf.reduce_mean(x * 3.0, name="out")

    kept, rounded = check(make, ["must_keep_origin_dtype", "force_fp16"]).modes
    assert kept.fitness == "not_judged" and kept.reasons[0].values["reason"].code == "fetch_not_finite_in_float32"
    # What is NaN is 0 on the card.
    assert rounded.fitness == "wrong" and rounded.reasons[0].values["reason"].code == "fetch_not_finite"


def test_a_fetch_without_elements_is_not_judged(check):
    def make():
        x = tf.placeholder(tf.float32, (4, 8), name="x")
        tf.slice(x * 3.0, [0, 0], [0, 8], name="out")

    (mode,) = check(make, ["force_fp16"]).modes
    assert mode.fitness == "not_judged" and mode.reasons[0].values["reason"].code == "fetch_empty"
