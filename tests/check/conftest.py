import pytest

from harness import modes
from tests.check import graphs


@pytest.fixture
def check(tmp_path):
    """Checks the graph that a function makes, or that of a file."""
    from harness.check.checking import Checking
    from harness.check.messages import CheckQuestion, RandomRange
    from harness.devices.opening import open_device
    from harness.graphs.source import GraphSource

    def run(make, names=modes.NAMES, low=-1.0, high=1.0, samples=2, fetches=(), inputs=(), **asked):
        path = graphs.save(tmp_path / "graph.pb", make) if callable(make) else make
        question = CheckQuestion(
            graph=GraphSource(path=path, fetches=fetches, inputs=inputs),
            modes=tuple(map(modes.get, names)),
            random=RandomRange(low=low, high=high, samples=samples),
            **asked,
        )
        return Checking(question, open_device("cpu"), lambda *phase: None).run()

    return run
