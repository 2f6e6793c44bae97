"""Graphs read from files: the form, what they are run for, what they are fed."""

import os
import subprocess
import sys

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from google.protobuf import text_format

from harness.errors import UsageError
from harness.graphs.reading import read_graph
from harness.graphs.source import graph_source
from harness.machine.forking import WITHOUT_KERAS


def build(make):
    """The GraphDef of what a function adds to a graph."""
    with tf.Graph().as_default() as graph:
        make()
        return graph.as_graph_def()


def stored(path, make):
    path.write_bytes(build(make).SerializeToString())
    return str(path)


def convolution():
    picture = tf.placeholder(tf.float32, (None, None, None, 4), name="picture")
    layer = tf.nn.conv2d(picture, tf.ones((3, 3, 4, 8)), [1, 1, 1, 1], "SAME", name="conv")
    tf.nn.relu(layer, name="relu")


def training():
    """A step as programs of TensorFlow 1 save it: beside the update lie the saver, the summaries, the initialiser."""
    x = tf.placeholder(tf.float32, (5, 3), name="x")
    weight = tf.get_variable("weight", (3, 2), use_resource=False)
    loss = tf.reduce_sum(tf.square(tf.matmul(x, weight)), name="loss")
    tf.train.MomentumOptimizer(0.1, 0.9).minimize(loss, name="train")
    tf.summary.scalar("loss_summary", loss)
    tf.summary.merge_all()
    tf.train.Saver()
    tf.global_variables_initializer()


def save_model(folder, signatures=("serving_default",)):
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(tf.float32, (None, 3), name="x")
        weight = tf.get_variable("weight", initializer=tf.constant([[1.0], [2.0], [3.0]]), use_resource=True)
        outputs = [tf.matmul(x, weight, name=f"out_{number}") for number in range(len(signatures))]
        session.run(tf.global_variables_initializer())
        builder = tf.saved_model.builder.SavedModelBuilder(str(folder))
        defs = {
            name: tf.saved_model.signature_def_utils.predict_signature_def({"x": x}, {"y": output})
            for name, output in zip(signatures, outputs)
        }
        builder.add_meta_graph_and_variables(session, ["serve"], signature_def_map=defs)
        builder.save()
    return str(folder)


@pytest.mark.parametrize("form", ["GraphDef", "GraphDef text", "MetaGraphDef", "MetaGraphDef text"])
@pytest.mark.parametrize("name", ["graph.pb", "graph.pbtxt", "graph.meta", "graph"])
def test_a_graph_is_read_in_every_form_whatever_its_name(tmp_path, form, name):
    graph_def = build(convolution)
    with tf.Graph().as_default():
        tf.import_graph_def(graph_def, name="")
        message = tf.train.export_meta_graph() if form.startswith("Meta") else graph_def
    text = text_format.MessageToString(message).encode()
    (tmp_path / name).write_bytes(text if form.endswith("text") else message.SerializeToString())
    graph = read_graph(str(tmp_path / name))
    assert graph.form == form.split()[0]
    assert (graph.fetches, graph.is_guessed) == (("relu",), True)
    assert graph.infos["relu:0"].shape == (None, None, None, 8)


def test_a_saved_model_is_read_with_its_signature_and_its_values(tmp_path):
    folder = save_model(tmp_path / "model")
    graph = read_graph(folder)
    assert (graph.form, graph.signature, graph.fetches, graph.is_guessed) == (
        "SavedModel", "serving_default", ("out_0:0",), False
    )  # fmt: skip
    assert [(found.tensor, found.dtype, found.shape) for found in graph.inputs] == [("x:0", "float32", (None, 3))]
    assert read_graph(f"{folder}/saved_model.pb").fetches == graph.fetches
    with tf.Graph().as_default(), tf.Session() as session:
        tf.import_graph_def(graph.graph_def, name="")
        session.run(graph.restore.operation, {graph.restore.file_tensor: graph.restore.prefix})
        assert session.run(graph.fetches, {graph.inputs[0].tensor: np.ones((1, 3))})[0] == 6


@pytest.mark.skipif(tf.__version__.startswith("1."), reason="TensorFlow 2 saves it so")
def test_the_network_within_a_saved_models_functions_is_in_the_graph(tmp_path):
    source = """if True:
        import sys, tensorflow as tf
        class Model(tf.Module):
            def __init__(self):
                self.weight = tf.Variable([[1.0], [2.0], [3.0]])
            @tf.function(input_signature=[tf.TensorSpec((None, 3), tf.float32, name="x")])
            def __call__(self, x):
                y = tf.nn.relu(tf.matmul(x, self.weight))
                return {"y": y, "twice": 2.0 * y}
        model = Model()
        tf.saved_model.save(model, sys.argv[1], signatures=model.__call__.get_concrete_function())
    """
    # Eager execution, which other tests here switch off for good.
    subprocess.run(
        [sys.executable, "-c", source, str(tmp_path / "model")],
        env={**os.environ, **WITHOUT_KERAS},
        check=True,
        stderr=subprocess.DEVNULL,
    )
    graph = read_graph(str(tmp_path / "model"))
    assert "MatMul" in {node.op for node in graph.graph_def.node}
    with tf.Graph().as_default(), tf.Session() as session:
        tf.import_graph_def(graph.graph_def, name="")
        session.run(graph.restore.operation, {graph.restore.file_tensor: graph.restore.prefix})
        assert sorted(np.ravel(session.run(graph.fetches, {graph.inputs[0].tensor: np.ones((1, 3))}))) == [6, 12]


@pytest.mark.parametrize(
    "signature, fetches, expected",
    [
        ("", (), "the SavedModel's signatures are a, b (expected --signature NAME, or --fetch NAME)"),
        ("c", (), "--signature c: the SavedModel's are a, b"),
        ("b", (), "out_1:0"),
        ("", ("out_0",), "out_0"),
    ],
)
def test_of_several_signatures_one_is_named(tmp_path, signature, fetches, expected):
    folder = save_model(tmp_path / "model", ("a", "b"))
    try:
        assert read_graph(folder, signature, fetches).fetches == (expected,)
    except UsageError as error:
        assert str(error) == f"graph {folder}: {expected}"


def test_a_bare_graph_has_no_signature(tmp_path):
    path = stored(tmp_path / "graph.pb", convolution)
    with pytest.raises(UsageError, match="--signature a: it is a GraphDef, which has none"):
        read_graph(path, "a")


@pytest.mark.parametrize(
    "content, reason",
    [
        (b"\x89HDF\r\n\x1a\n and more", "it is an HDF5 file, such as Keras writes (model.export(FOLDER)"),
        (b"PK\x03\x04 and more", "it is a Keras model or another ZIP archive (model.export(FOLDER)"),
        (b"\x1c\x00\x00\x00TFL3", "it is a TensorFlow Lite model"),
    ],
)
def test_what_people_take_for_a_graph_is_called_what_it_is(tmp_path, content, reason):
    (tmp_path / "model.pb").write_bytes(content)
    with pytest.raises(UsageError) as caught:
        graph_source(str(tmp_path / "model.pb"), None, (), ())
    assert f"model.pb: {reason}" in str(caught.value)


def test_a_folder_without_a_saved_model_is_refused(tmp_path):
    with pytest.raises(UsageError, match="the folder holds no saved_model.pb"):
        graph_source(str(tmp_path), None, (), ())


@pytest.mark.parametrize("content", [b"hello, world\n", b"", b"\x0a\xff", b"node { name: 'a' }", b"\xff" * 64])
def test_what_is_no_graph_is_refused(tmp_path, content):
    (tmp_path / "graph.pb").write_bytes(content)
    with pytest.raises(UsageError, match=r"graph.pb: not a graph \(expected a GraphDef or MetaGraphDef, binary"):
        read_graph(str(tmp_path / "graph.pb"))


# What it is run for


def test_the_update_alone_is_guessed_of_a_training_graph(tmp_path):
    graph = read_graph(stored(tmp_path / "graph.pb", training))
    assert (graph.fetches, graph.is_guessed) == (("train",), True)


def test_a_meta_graph_says_its_training_step(tmp_path):
    with tf.Graph().as_default():
        training()
        tf.train.export_meta_graph(str(tmp_path / "step.meta"))
    graph = read_graph(str(tmp_path / "step.meta"))
    assert (graph.fetches, graph.is_guessed) == (("train",), False)


def test_an_update_without_a_placeholder_is_guessed(tmp_path):
    def make():
        weight = tf.get_variable("weight", (3, 2), use_resource=True)
        tf.train.AdamOptimizer(0.1).minimize(tf.reduce_sum(tf.square(weight)), name="train")
        tf.global_variables_initializer()

    assert read_graph(stored(tmp_path / "graph.pb", make)).fetches == ("train",)


def test_many_ends_are_listed_not_guessed(tmp_path):
    def make():
        x = tf.placeholder(tf.float32, (2,))
        for number in range(20):
            tf.nn.relu(x, name=f"out_{number}")

    with pytest.raises(
        UsageError, match=r"20 nodes may be what it is run for: out_0, .*, out_15, … \(expected --fetch"
    ):
        read_graph(stored(tmp_path / "graph.pb", make))


def test_a_graph_that_computes_nothing_is_refused(tmp_path):
    path = stored(tmp_path / "graph.pb", lambda: tf.placeholder(tf.float32, (2,)))
    with pytest.raises(UsageError, match="no node in it computes anything"):
        read_graph(path)


@pytest.mark.parametrize(
    "fetch, reason",
    [
        ("relu:7", "node relu has 1 outputs, counted from 0"),
        ("relu:x", "expected the name of a node, or NODE:NUMBER of one of its outputs"),
        ("relu:", "expected the name of a node, or NODE:NUMBER of one of its outputs"),
        ("relu:-1", "expected the name of a node, or NODE:NUMBER of one of its outputs"),
        ("relu:0:0", "expected the name of a node, or NODE:NUMBER of one of its outputs"),
        ("^relu", "expected the name of a node, or NODE:NUMBER of one of its outputs"),
        ("nowhere:0", "the graph has no node of this name"),
        ("Relu:0", "the graph has no node of this name, did you mean relu?"),
        ("model/layer/block/relu", "the graph has no node of this name, did you mean relu?"),
    ],
)
def test_a_fetch_that_is_no_output_is_refused(tmp_path, fetch, reason):
    path = stored(tmp_path / "graph.pb", convolution)
    with pytest.raises(UsageError) as caught:
        read_graph(path, fetches=[fetch])
    assert str(caught.value) == f"graph {path}: --fetch {fetch}: {reason}"


# What it is fed


def test_a_shape_that_is_open_can_be_given(tmp_path):
    path = stored(tmp_path / "graph.pb", convolution)
    source = graph_source(path, None, (), ["picture=2,224, 224,?"])
    graph = read_graph(**dict(source))
    assert graph.infos["relu:0"].shape == (2, 224, 224, 8)
    assert graph.inputs[0].shape == (2, 224, 224, 4)


def test_a_rank_that_is_open_can_be_given(tmp_path):
    path = stored(tmp_path / "graph.pb", lambda: tf.nn.relu(tf.placeholder(tf.float32, name="x"), name="y"))
    assert read_graph(path).infos["y:0"].shape is None
    assert read_graph(path, shapes={"x:0": (3, None)}).infos["y:0"].shape == (3, None)


@pytest.mark.parametrize("version", [21, 27])
def test_a_scalar_can_be_given_also_to_old_graphs(tmp_path, version):
    graph_def = build(lambda: tf.nn.relu(tf.placeholder(tf.float32, name="x"), name="y"))
    graph_def.versions.producer = version
    (tmp_path / "graph.pb").write_bytes(graph_def.SerializeToString())
    source = graph_source(str(tmp_path / "graph.pb"), None, (), ["x="])
    assert read_graph(**dict(source)).infos["y:0"].shape == ()


@pytest.mark.parametrize(
    "shapes, reason",
    [
        ({"pictures": (1,)}, "--shape pictures: the graph has no placeholder of this name, did you mean picture?"),
        ({"relu": (1,)}, "--shape relu: the graph has no placeholder of this name (it has picture)"),
        ({"picture": (1, 8, 8, 3)}, "--shape picture=1,8,8,3: the graph says ?,?,?,4"),
        ({"picture": (8, 8, 4)}, "--shape picture=8,8,4: the graph says ?,?,?,4"),
    ],
)
def test_a_shape_that_does_not_fit_is_refused(tmp_path, shapes, reason):
    path = stored(tmp_path / "graph.pb", convolution)
    with pytest.raises(UsageError) as caught:
        read_graph(path, shapes=shapes)
    assert reason in str(caught.value)


@pytest.mark.parametrize("text", ["picture", "picture=1,x", "=1,2", "picture=1,,2", "picture=1.5", "picture=-2"])
def test_what_says_no_shape_is_refused(tmp_path, text):
    path = stored(tmp_path / "graph.pb", convolution)
    with pytest.raises(UsageError, match=r"it says no shape \(expected NAME=SIZE"):
        graph_source(path, None, (), [text])


def test_two_shapes_of_a_placeholder_are_refused(tmp_path):
    path = stored(tmp_path / "graph.pb", convolution)
    with pytest.raises(UsageError, match="--shape picture:0=2,8,8,4: a shape of picture is given before"):
        graph_source(path, None, (), ["picture=1,8,8,4", "picture:0=2,8,8,4"])


def test_a_tensor_that_is_computed_can_be_fed(tmp_path):
    def make():
        parts = tf.unstack(tf.placeholder(tf.float32, (2, 3), name="x"), name="parts")
        tf.add(parts[0], tf.square(parts[1], name="square"), name="sum")

    path = stored(tmp_path / "graph.pb", make)
    graph = read_graph(path, inputs=["parts:1", "parts:0"])
    assert sorted((found.name, found.shape) for found in graph.inputs) == [("parts_0", (3,)), ("parts_1", (3,))]
    with tf.Graph().as_default(), tf.Session() as session:
        tf.import_graph_def(graph.graph_def, name="")
        assert session.run("sum:0", {"parts_0:0": [1, 1, 1], "parts_1:0": [2, 3, 4]}).tolist() == [5, 10, 17]
    assert [found.name for found in read_graph(path, inputs=["square"]).inputs] == ["x", "square"]


def with_a_mask(graph_def):
    """The graph with an op of the card's own package beside it, which a node and a function read."""
    mask = graph_def.node.add(name="mask", op="DropOutDoMask", input=["relu"])
    graph_def.node.add(name="masked", op="Identity", input=[mask.name]).attr["T"].type = tf.float32.as_datatype_enum
    function = graph_def.library.function.add()
    function.signature.name = "dropout"
    function.node_def.add(name="inner", op="NpuCast")
    graph_def.node.add(name="call", op="PartitionedCall").attr["f"].func.name = "dropout"
    return graph_def


@pytest.mark.parametrize("fetch", ["mask", "masked", "call"])
def test_ops_that_this_tensorflow_does_not_have_are_named_where_they_are_needed(tmp_path, fetch):
    (tmp_path / "card.pb").write_bytes(with_a_mask(build(convolution)).SerializeToString())
    with pytest.raises(UsageError, match="this TensorFlow does not have its ops DropOutDoMask, NpuCast"):
        read_graph(str(tmp_path / "card.pb"), fetches=[fetch])


def test_ops_that_this_tensorflow_does_not_have_are_left_out_where_nothing_needs_them(tmp_path):
    (tmp_path / "card.pb").write_bytes(with_a_mask(build(convolution)).SerializeToString())
    graph = read_graph(str(tmp_path / "card.pb"), fetches=["relu"])
    names = {node.name for node in graph.graph_def.node}
    assert "relu" in names and not names & {"mask", "masked", "call"} and not graph.graph_def.library.function
