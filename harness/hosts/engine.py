"""Hosts through Ray: which there are, claiming them, and a place for each of their devices.

Of Ray's own ways to help, none is left on that would spoil a timing or a count: nothing is retried or restarted, agents
refuse a host with Ray's default niceness or memory monitor, and trials get the environment of their node.
"""

import functools
import json
import os
import re
import secrets
import signal
import socket
import threading
import time
from contextlib import suppress
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Sequence, Tuple

from harness.devices import naming
from harness.errors import RequirementError, UsageError
from harness.hosts.shipping import Tree, answer, code_of, job
from harness.machine import environment
from harness.machine.signals import ENDING
from harness.precision.rules import ops_info
from harness.records import Environment
from harness.trial.place import Hear, LostError

RESOURCE = "stylebench_host"
"""Ray resource of a node that may be measured on; a run takes the whole of it."""
REQUIREMENTS = "requirements-hosts.txt"
START_HEAD = "ray start --head --port 6379 --num-cpus 0"
"""Command that starts a cluster, whose head measures nothing."""
START = f"ray start --address HEAD:6379 --resources '{{\"{RESOURCE}\": 1}}'"
"""Command that lets a machine join as a host."""
_TRIES = "2"
"""How often Ray tries to connect, and logs that it could not, before it says so; 20 times unless told."""
_CONNECT_SECONDS = 5.0
_PORT = re.compile("[0-9]{1,5}")
_HOST = re.compile(r"[\w.-]+|\[[\w:.%]+\]")
"""A host's name or address, one of IPv6 in brackets."""
_LOOK_SECONDS = 0.2
_STOP_SECONDS = 15.0
"""Time for a host to end what it was told to end."""
_DESCRIBE_SECONDS = 300.0
_FETCH_SECONDS = 120.0
"""Time for a result that is there to come over the network."""

Convert = Callable[[bytes], bytes]


class Host(NamedTuple):
    """A machine that this run has claimed."""

    name: str
    agent: Any
    """Handle of the agent's actor."""
    devices: Sequence[str]
    """Names of the devices that trials run on, side by side."""
    environment: Environment


class Cluster(NamedTuple):
    """The hosts of a run, and the code that it runs on them."""

    hosts: Sequence[Host]
    tree: Tree


class RayPlace:
    """A device of a host."""

    def __init__(
        self,
        name: str,
        agent: Any,
        device: str,
        pack: Convert = bytes,
        unpack: Convert = bytes,
        dropped: Callable[[bytes], None] = lambda result: None,
    ) -> None:
        """Set what is run where; nothing is run yet.

        Args:
            pack: makes a job as the agent takes it, from what `run` is given.
            unpack: makes what `run` returns from the agent's result; raises LostError.
            dropped: called with each result of the agent that comes after it was given up.
        """
        self.name, self._agent, self._device = name, agent, device
        self._pack, self._unpack, self._dropped = pack, unpack, dropped
        self._late: List[Any] = []
        self._gone = ""

    def run(self, job: bytes, seconds: float, hear: Hear, stop: Optional[threading.Event] = None) -> bytes:
        """Run the job on the host; no events are heard before its end."""
        self.drop_late()
        if self._gone:
            raise LostError(self._gone)
        packed = self._pack(job)
        reference = self._agent.run.remote(packed, self._device)
        try:
            result = self._result(reference, time.monotonic() + seconds, stop)
        except KeyboardInterrupt:
            self._break_off(packed, reference)
            raise
        if result is None:
            self._late.append(reference)
            raise LostError(f"host {self.name} gave no result in {seconds:g} s")
        return self._unpack(result)

    def is_alive(self) -> bool:
        """Return False once the host's agent, or its node, has been found dead."""
        return not self._gone

    def drop_late(self) -> None:
        """Hand over the results that came after they were given up."""
        import ray

        done = ray.wait(self._late, num_returns=len(self._late), timeout=0)[0] if self._late else []
        for reference in done:
            self._late.remove(reference)
            with suppress(ray.exceptions.RayError):
                self._dropped(ray.get(reference))

    def _result(self, reference: Any, deadline: float, stop: Optional[threading.Event]) -> Optional[bytes]:
        """Wait for the result; None when it does not come in time. Raises as `run` does."""
        import ray

        while time.monotonic() < deadline:
            try:
                if ray.wait([reference], timeout=_LOOK_SECONDS)[0]:
                    result: bytes = ray.get(reference, timeout=_FETCH_SECONDS)
                    return result
            except ray.exceptions.RayTaskError as error:
                raise LostError(f"host {self.name}: {str(error).strip().splitlines()[-1]}") from error
            except ray.exceptions.RayError as error:
                self._gone = f"host {self.name} went away"
                raise LostError(self._gone) from error
            if stop is not None and stop.is_set():
                raise KeyboardInterrupt
        return None

    def _break_off(self, packed: bytes, reference: Any) -> None:
        import ray

        from harness.hosts.parcel import unpacked

        attempt = json.loads(unpacked(packed)["order.json"])["attempt"]
        with suppress(ray.exceptions.RayError):
            self._agent.stop.remote(attempt)
            ray.wait([reference], timeout=_STOP_SECONDS)


def connect(address: str, device: str, waiting: Callable[[], None] = lambda: None) -> Cluster:
    """Claim every host of a cluster, whole.

    Args:
        address: of the cluster; `auto` for the one that this machine is a node of.
        device: what trials run on, on each host: auto, npu for all of its cards, cpu, gpu, or cores as in cpu:0,cpu:1.
        waiting: called once, before the hosts are waited for.

    Raises:
        UsageError: there is no such cluster, no host in it, or one that cannot be measured on.
        RequirementError: Ray is not installed.
    """
    ray = _ray(address)
    try:
        nodes = _nodes(ray)
        if not nodes:
            raise UsageError(f"--hosts {address}: no node of the cluster is a host (on each: {START})")
        kind = _kind(device, nodes)
        tree = code_of()
        waiting()
        claimed = [_claim(ray, node, name, kind, device) for name, node in _named(nodes).items()]
        return Cluster([_described(name, agent, devices, tree) for name, agent, devices in claimed], tree)
    except BaseException:
        ray.shutdown()
        raise


def disconnect(cluster: Cluster) -> None:
    """Let the hosts go, with everything of this run ended and removed on them."""
    import ray

    try:
        with suppress(ray.exceptions.RayError):
            leaving = [host.agent.leave.remote() for host in cluster.hosts]
            ray.wait(leaving, num_returns=len(leaving), timeout=_STOP_SECONDS)
    finally:
        ray.shutdown()


def _ray(address: str) -> Any:
    os.environ.setdefault("RAY_NUM_REDIS_GET_RETRIES", _TRIES)  # read on import
    try:
        import ray
    except ImportError as error:
        raise RequirementError(f"--hosts {address}: Ray is missing (pip install -r {REQUIREMENTS})") from error
    _require_listening(address)
    handlers = {number: signal.getsignal(number) for number in ENDING}
    try:
        ray.init(address=address, log_to_driver=False, logging_level="ERROR")
    except (ConnectionError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
        if "authentication" in f"{error} {error.__cause__} {error.__context__}".lower():
            raise UsageError(
                f"--hosts {address}: the cluster asks for its token (expected RAY_AUTH_MODE=token, and in"
                " ~/.ray/auth_token what its head has there)"
            ) from error
        reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise UsageError(
            f"--hosts {address}: {reason} (expected auto, or HEAD:6379 on a node of the cluster)"
        ) from error
    for number, handler in handlers.items():  # Ray takes them for itself, and what was measured would not be kept
        if handler is not None:
            signal.signal(number, handler)
    return ray


def _require_listening(address: str) -> None:
    """Raise UsageError when nobody listens where the cluster should be: Ray would try for minutes."""
    if address == "auto":
        address = os.environ.get("RAY_ADDRESS", "") or "auto"
        if address == "auto":
            return  # Ray looks for it
    host, _, port = address.rpartition(":")
    # Ray takes more, and starts a cluster of its own for some of it.
    if not (_PORT.fullmatch(port) and _HOST.fullmatch(host)):
        raise UsageError(f"--hosts {address}: no address of a cluster (expected auto, or HEAD:6379)")
    try:
        socket.create_connection((host.strip("[]"), int(port)), _CONNECT_SECONDS).close()
    except (OSError, OverflowError, UnicodeError) as error:  # the last: no host can have this name
        reason = getattr(error, "strerror", None) or error
        raise UsageError(f"--hosts {address}: no cluster answers there: {reason} (start one: {START_HEAD})") from error


def _nodes(ray: Any) -> List[Dict[str, Any]]:
    alive = [node for node in ray.nodes() if node["Alive"] and node["Resources"].get(RESOURCE, 0) >= 1]
    return sorted(alive, key=lambda node: str(node["NodeID"]))


def _named(nodes: Sequence[Dict[str, Any]]) -> Dict[str, Dict[str, Any]]:
    """Return the nodes by name; those of one machine have a number after it."""
    found: Dict[str, Dict[str, Any]] = {}
    for node in nodes:
        own = node.get("NodeManagerHostname") or node["NodeManagerAddress"]
        count = sum(name.split("#")[0] == own for name in found)
        found[f"{own}#{count + 1}" if count else own] = node
    return found


def _kind(device: str, nodes: Sequence[Dict[str, Any]]) -> str:
    chosen = naming.parse(device)[0]
    if chosen.kind == "npu" and chosen.number is not None:
        raise UsageError(f"device {device}: a host's cards are handed out by Ray (expected npu: all of them)")
    if chosen.kind == "auto":
        return "npu" if any(node["Resources"].get("NPU") for node in nodes) else "cpu"
    return chosen.kind


def _claim(ray: Any, node: Dict[str, Any], name: str, kind: str, device: str) -> Tuple[str, Any, List[str]]:
    """Start the agent of a node once nobody else has the node; return the host's name, the agent, and the devices."""
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    cards = int(node["Resources"].get("NPU", 0)) if kind == "npu" else 0
    if kind == "npu" and not cards:
        raise UsageError(f"host {name}: it has no card (take it out of the cluster, or give --device cpu)")
    resources = {RESOURCE: 1.0, **({"NPU": float(cards)} if cards else {})}
    agent = (
        _actor(ray)
        .options(
            num_cpus=0,
            resources=resources,
            max_concurrency=cards + len(device.split(",")) + 2,  # a job for each device; stop and leave beside them
            scheduling_strategy=NodeAffinitySchedulingStrategy(node["NodeID"], soft=False),
        )
        .remote()
    )
    try:
        state = ray.get(agent.state.remote())
    except ray.exceptions.RayError as error:
        raise UsageError(f"host {name}: it went away before anything was measured") from error
    if state["complaints"]:
        raise UsageError(f"host {name}: {state['complaints'][0]}")
    if cards:
        return name, agent, state["cards"]
    return name, agent, [each.name for each in naming.parse(device)] if kind == device.split(":")[0] else [kind]


@functools.lru_cache(maxsize=None)
def _actor(ray: Any) -> Any:
    """Return the agent's class as an actor that is sent by value and that Ray never runs twice."""
    from harness.hosts import agent, parcel
    from harness.machine import claim

    for module in (agent, parcel, claim):
        ray.cloudpickle.register_pickle_by_value(module)

    class Granted(agent.Agent):
        """An agent that is told the cards that Ray granted it."""

        def __init__(self) -> None:
            import ray

            super().__init__(ray.get_runtime_context().get_accelerator_ids().get("NPU", []))

    return ray.remote(max_restarts=0, max_task_retries=0)(Granted)


def _described(name: str, agent: Any, devices: Sequence[str], tree: Tree) -> Host:
    question = ",".join(devices)
    place = RayPlace(name, agent, "description")
    asked = job(secrets.token_hex(8), "harness.hosts.describe", question.encode(), _DESCRIBE_SECONDS, [tree], {})
    try:
        told = answer(place.run(asked, _DESCRIBE_SECONDS, lambda event: None), name)["answer"]
    except LostError as error:
        raise UsageError(f"{error} (see STYLEBENCH_PYTHON, the interpreter of its trials)") from error
    head = environment.describe(device=devices[0])
    fields = ["revision", "commit", "committed", "branch"]
    fields += ["op_table"] if os.environ.get(ops_info.TABLE_VARIABLE) else []
    own = {field: getattr(head, field) for field in fields}
    return Host(name, agent, devices, Environment.model_validate_json(told).model_copy(update=own))
