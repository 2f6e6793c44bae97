import sys

import pytest
import tensorflow.compat.v1 as tf


@pytest.fixture(params=["2021", "later"])
def bridge(request, cards, monkeypatch):
    """A release of the stand-in, imported into this process; what its card does, STAND_IN_CARD says at each run."""
    from tensorflow.python.client import session

    for name in ("__init__", "run", "make_callable"):  # the adapter replaces both
        monkeypatch.setattr(session.BaseSession, name, getattr(session.BaseSession, name))
    monkeypatch.setenv("STAND_IN_RELEASE", request.param)
    monkeypatch.delenv("AOE_MODE", raising=False)
    for name in [name for name in sys.modules if name.split(".")[0] == "npu_bridge"]:
        monkeypatch.delitem(sys.modules, name)
    from harness.devices.bridge import Bridge

    yield Bridge()
    for name in [name for name in sys.modules if name.split(".")[0] == "npu_bridge"]:
        del sys.modules[name]
    tf.reset_default_graph()
