"""A real Ray cluster of two nodes on this machine."""

from collections.abc import Iterator
from typing import Any, Final

import pytest

from closecast.ports import free_ports

_NODE: Final[dict[str, Any]] = {"num_cpus": 1, "num_gpus": 0, "object_store_memory": 100 * 2**20}


@pytest.fixture
def ray_client_port() -> int:
    """Return the port where the head answers those that are on no node."""
    return free_ports(1)[0]


@pytest.fixture
def ray_nodes(ray_client_port: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Run a Ray cluster of two nodes with a CPU each, as Ray's `Cluster`."""
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    from ray.cluster_utils import Cluster

    head = _NODE | {"include_dashboard": False, "ray_client_server_port": ray_client_port}
    running = Cluster(initialize_head=True, head_node_args=head)
    try:
        running.add_node(**_NODE)
        yield running
    finally:
        running.shutdown()  # type: ignore[no-untyped-call]
