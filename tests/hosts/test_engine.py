"""What is said of a cluster that cannot be joined, without Ray."""

import socket
import sys
from types import SimpleNamespace

import pytest

from harness.errors import UsageError
from harness.hosts import engine

pytestmark = pytest.mark.any_tensorflow


class RayError(Exception):
    pass


@pytest.fixture
def ray(monkeypatch):
    """Stands for Ray; `ray.error` is what joining a cluster raises."""

    def init(**options):
        ray.asked.append(options["address"])
        raise ray.error

    ray = SimpleNamespace(
        init=init, exceptions=SimpleNamespace(RayError=RayError), asked=[], error=ConnectionError("x")
    )
    monkeypatch.setitem(sys.modules, "ray", ray)
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setenv("RAY_NUM_REDIS_GET_RETRIES", "2")
    return ray


@pytest.fixture
def listening():
    """An address at which somebody listens."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(1)
        yield f"127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture
def silent():
    """An address at which nobody listens."""
    with socket.socket() as kept:
        kept.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{kept.getsockname()[1]}"


def test_where_nobody_listens_ray_is_not_asked(ray, silent, monkeypatch):
    line = f"^--hosts {silent}: no cluster answers there: Connection refused .start one: {engine.START_HEAD}.$"
    with pytest.raises(UsageError, match=line):
        engine.connect(silent, "cpu")
    monkeypatch.setenv("RAY_ADDRESS", silent)
    with pytest.raises(UsageError, match=line):
        engine.connect("auto", "cpu")
    assert ray.asked == []


@pytest.mark.parametrize(
    "address",
    [
        *["local", "", "head", "ray://head:10001", ":6379", "head:", "head:x", "head:99999", "head:²", "a..b:6379"],
        "x" * 64 + ":6379",
    ],
)
def test_what_is_no_address_starts_nothing(ray, address):
    with pytest.raises(UsageError, match=f"^--hosts {address}: no (address of a cluster|cluster answers there)"):
        engine.connect(address, "cpu")
    assert ray.asked == []


@pytest.mark.parametrize("variable", ["", "auto"])
def test_no_cluster_at_all_is_said_as_ray_says_it(ray, variable, monkeypatch):
    monkeypatch.setenv("RAY_ADDRESS", variable)
    ray.error = ConnectionError("Could not find any running Ray instance.\nPlease specify one.")
    with pytest.raises(UsageError, match="^--hosts auto: Could not find any running Ray instance. .expected auto, or"):
        engine.connect("auto", "cpu")


def test_an_error_without_words_is_named(ray):
    ray.error = RayError()
    with pytest.raises(UsageError, match="^--hosts auto: RayError .expected auto, or"):
        engine.connect("auto", "cpu")


def _caused():
    error = ConnectionError("Failed to connect to Ray cluster")
    error.__cause__ = RuntimeError("Last error: InvalidAuthToken: Authentication token is missing or incorrect")
    return error


@pytest.mark.parametrize("error", [RayError("Token authentication is enabled but no token was found"), _caused()])
def test_a_token_that_is_missing_or_wrong_is_named(ray, listening, error):
    ray.error = error
    line = (
        f"^--hosts {listening}: the cluster asks for its token .expected RAY_AUTH_MODE=token, and in ~/.ray/auth_token"
    )
    with pytest.raises(UsageError, match=line):
        engine.connect(listening, "cpu")
    assert ray.asked == [listening]
