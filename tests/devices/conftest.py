import sys
from pathlib import Path

import pytest
import tensorflow.compat.v1 as tf

STAND_IN = Path(__file__).resolve().parent / "stand_in"


@pytest.fixture
def host(tmp_path, monkeypatch):
    """Folder that stands for /, without anything of Huawei's in it."""
    for name in ("ASCEND_DEVICE_ID", "DEVICE_ID", "ASCEND_OPP_PATH", "ASCEND_HOME_PATH", "ASCEND_TOOLKIT_HOME"):
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "host"
    (folder / "dev").mkdir(parents=True)
    monkeypatch.setenv("STYLEBENCH_ROOT", str(folder))
    return folder


@pytest.fixture
def cards(host, monkeypatch):
    """A host with some of a machine's cards, and the stand-in for npu_bridge where all processes find it."""
    for number in (0, 2, 5):
        (host / f"dev/davinci{number}").touch()
    monkeypatch.syspath_prepend(str(STAND_IN))
    monkeypatch.setenv("PYTHONPATH", str(STAND_IN))
    return host


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
