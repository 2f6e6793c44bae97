import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
ROOT = Path(__file__).resolve().parent.parent
STAND_IN = ROOT / "tests/devices/stand_in"
sys.path.insert(0, str(ROOT))

from harness import modes  # noqa: E402
from harness.machine.signals import ENDING  # noqa: E402
from harness.records import Case, Suite, Trial  # noqa: E402
from harness.step import inputs  # noqa: E402
from harness.store.baselines import Baselines  # noqa: E402
from model import images  # noqa: E402


def pytest_terminal_summary(terminalreporter, config):
    """Show the figures of benchmarks, which never fail by the clock: they put them into their extra_info."""
    session = getattr(config, "_benchmarksession", None)
    for benchmark in getattr(session, "benchmarks", []):
        for name, value in benchmark.extra_info.items():
            terminalreporter.write_line(f"{benchmark.name}: {name} = {value:.4g}")


def pytest_configure(config):
    for category in ("DeprecationWarning", "FutureWarning"):
        # tensorflow, tensorflow_core, tensorboard, tensorflow_estimator
        config.addinivalue_line("filterwarnings", f"ignore::{category}:tensor")


@pytest.fixture
def picture(tmp_path):
    """Path of a 48x40 picture with structure in it."""
    rows, columns = np.mgrid[0:40, 0:48]
    pixels = np.stack([rows * 6, columns * 5, (rows * columns) % 256], axis=-1).astype(np.uint8)
    path = tmp_path / "picture.png"
    path.write_bytes(images.encode(pixels, ".png"))
    return str(path)


@pytest.fixture
def style(tmp_path):
    """Path of a 64x64 checkerboard."""
    rows, columns = np.mgrid[0:64, 0:64]
    board = ((rows // 4 + columns // 4) % 2 * 255).astype(np.uint8)
    path = tmp_path / "style.png"
    path.write_bytes(images.encode(np.stack([board, board // 2, 255 - board], axis=-1), ".png"))
    return str(path)


@pytest.fixture
def case(picture, style):
    """A case that runs in well under a second once TensorFlow is up."""
    small = Case(id="small", content=picture, styles=(style,), size=48, steps=5, network="synthetic-narrow")
    return inputs.resolve(small, cache="")


@pytest.fixture
def signals_heeded():
    """Lets children heed the signals that this process was told to ignore, as under nohup or in the background."""
    ignored = [number for number in ENDING if signal.getsignal(number) == signal.SIG_IGN]
    for number in ignored:
        signal.signal(number, signal.SIG_DFL)
    yield
    for number in ignored:
        signal.signal(number, signal.SIG_IGN)


@pytest.fixture
def tensorflow_that(tmp_path, monkeypatch):
    """Makes children find a TensorFlow that does this when it is imported, and leave their logs in a folder of ours."""
    logs = tmp_path / "logs"
    logs.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(logs))

    def does(code):
        packages = tmp_path / "packages"
        packages.mkdir(exist_ok=True)
        (packages / "tensorflow.py").write_text(code + "\n")
        monkeypatch.setenv("PYTHONPATH", str(packages))

    return does


@pytest.fixture
def small_disk(tmp_path):
    """Path of a file system of its own, of 512 kB."""
    path = tmp_path / "disk"
    path.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", str(path)], stderr=subprocess.PIPE)
    if mounted.returncode:
        pytest.skip(f"no file system can be mounted here: {mounted.stderr.decode().strip()}")
    yield str(path)
    subprocess.run(["umount", "--lazy", str(path)], check=True)


@pytest.fixture
def control_flow_v1():
    """Makes loops and branches of the old ops, as graphs of TensorFlow 1 have them."""
    import tensorflow.compat.v1 as tf

    was_new = tf.control_flow_v2_enabled()
    tf.disable_control_flow_v2()
    yield
    if was_new:
        tf.enable_control_flow_v2()


@pytest.fixture
def float32():
    return modes.get("must_keep_origin_dtype")


@pytest.fixture
def suite(case, float32):
    return Suite(name="tiny", purpose="tests", cases=(case,), modes=(float32,), replicates=1, timeout=3600)


@pytest.fixture
def baselines(tmp_path, monkeypatch):
    """Baselines that may be written."""
    monkeypatch.delenv("CI", raising=False)
    return Baselines(tmp_path / "baselines")


@pytest.fixture
def trial(case, float32, tmp_path):
    return Trial(
        id="small.must_keep_origin_dtype.1",
        case=case,
        mode=float32,
        device="cpu",
        replicate=1,
        picture=str(tmp_path / "out.png"),
        cache="",
    )


@pytest.fixture
def host(tmp_path, monkeypatch):
    """Folder that stands for /, without anything of Huawei's in it."""
    names = "ASCEND_DEVICE_ID ASCEND_RT_VISIBLE_DEVICES DEVICE_ID ASCEND_OPP_PATH ASCEND_HOME_PATH ASCEND_TOOLKIT_HOME"
    for name in names.split():
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


@pytest.fixture
def evidence(tmp_path, case):
    from tests.reports.runs import make_run

    return make_run(tmp_path / "run", case)
