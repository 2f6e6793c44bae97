"""A Ray cluster on this machine: nodes that are hosts, with cards that are resources only."""

import os
import sys
import time
from contextlib import suppress

import pytest

from harness.hosts.engine import RESOURCE

QUIET = {"RAY_worker_niceness": "0", "RAY_memory_monitor_refresh_ms": "0"}
"""What a node must be started with to be measured on."""


@pytest.fixture(scope="session")
def cluster():
    """A cluster with a head that is no host."""
    pytest.importorskip("ray", reason="Ray is not installed (pip install -r requirements-hosts.txt)")
    from ray._private import services
    from ray.cluster_utils import Cluster

    services.get_node = _patient(services.get_node)
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    head = {"num_cpus": 0, "include_dashboard": False, "object_store_memory": 80 * 2**20}
    made = Cluster(initialize_head=True, head_node_args=head)
    yield made
    import ray

    ray.shutdown()
    made.shutdown()


def _patient(ask):
    """Ask again when there is no answer: Ray gives up a node that is not there after half a minute."""

    def asked(*arguments):
        for _ in range(9):
            with suppress(RuntimeError):
                return ask(*arguments)
        return ask(*arguments)

    return asked


def wait_for_nodes(cluster):
    """Return once the cluster knows each of its nodes, and that all others have gone.

    Ray's own function counts them, so that one that was killed stands in for one that is not there yet.
    """
    wanted, until = {node.node_id for node in cluster.list_all_nodes()}, time.monotonic() + 300
    while set(cluster.global_state._live_node_ids()) != wanted:
        assert time.monotonic() < until, "the nodes of the cluster are not those that were started"
        time.sleep(0.1)


def _adding(cluster, factory):
    """Yield what starts a host with its own folder of locks; all leave the cluster in the end."""
    started = []

    def start(cards=0, claims=None, **variables):
        claims = claims or factory.mktemp("claims")
        own = {"STYLEBENCH_CLAIMS": str(claims), "STYLEBENCH_PYTHON": sys.executable, **QUIET, **variables}
        resources = {RESOURCE: 1, **({"NPU": cards} if cards else {})}
        node = cluster.add_node(
            num_cpus=1,
            resources=resources,
            object_store_memory=80 * 2**20,
            env_vars={name: value for name, value in own.items() if value},
        )
        started.append(node)
        wait_for_nodes(cluster)
        return node

    yield start
    for node in started:
        if node in cluster.list_all_nodes():
            cluster.remove_node(node)


@pytest.fixture
def add(cluster, tmp_path_factory):
    """Start a host, which leaves the cluster with the test."""
    yield from _adding(cluster, tmp_path_factory)


@pytest.fixture(scope="module")
def add_for_all(cluster, tmp_path_factory):
    """Start a host, which leaves the cluster with the module's last test."""
    yield from _adding(cluster, tmp_path_factory)
