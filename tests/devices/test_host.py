"""What a session on a host keeps in memory, and for how long."""

import gc
import sys
import weakref

import pytest
import tensorflow.compat.v1 as tf

from harness.devices.host import HostDevice


@pytest.fixture(scope="module")
def device():
    return HostDevice("cpu")


@pytest.fixture
def doubling():
    with tf.Graph().as_default() as graph:
        tf.multiply(tf.constant([1.0, 2.0]), 2.0, name="doubled")
        return graph.as_graph_def()


@pytest.fixture
def uncollected():
    """Python collects no cycles."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def test_a_session_does_not_keep_the_graph_def(device, doubling):
    before = sys.getrefcount(doubling)
    with device.session(doubling) as session:
        assert sys.getrefcount(doubling) == before
        assert session.run("doubled:0").tolist() == [2.0, 4.0]


def test_the_graph_of_a_closed_session_is_freed_at_once(device, doubling, uncollected):
    with device.session(doubling) as session:
        session.run("doubled:0")
        graph = weakref.ref(session.graph)
    del session
    assert graph() is None
