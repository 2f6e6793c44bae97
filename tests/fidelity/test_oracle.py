import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import numpy as np

from harness.fidelity import oracle


def test_two_devices_that_make_it_at_once_write_it_whole(tmp_path, monkeypatch):
    path, meeting = tmp_path / "oracle.npz", threading.Barrier(2, timeout=600)
    tensors = {"relu1_1 activation": np.arange(10**6.0), "10 updates": np.ones(10**6)}

    def run_oracle(job, plan):
        meeting.wait()  # both have found no file
        return tensors

    monkeypatch.setattr(oracle, "_run_oracle", run_oracle)
    job = SimpleNamespace(trial=SimpleNamespace(oracle=str(path)))
    with ThreadPoolExecutor(2) as devices:
        made = list(devices.map(lambda _: oracle.load_oracle(job, None), range(2)))
    monkeypatch.setattr(oracle, "_run_oracle", None)  # from here on it is read
    for exact, pictures in (*made, oracle.load_oracle(job, None)):
        assert np.array_equal(exact["relu1_1", "activation"], tensors["relu1_1 activation"])
        assert np.array_equal(pictures[10], tensors["10 updates"])
    assert list(tmp_path.iterdir()) == [path]
