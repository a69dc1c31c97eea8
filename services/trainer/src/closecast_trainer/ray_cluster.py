"""A Ray cluster to work on: connecting to it, and what its tasks may ask for."""

import logging
import math
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from tenacity import retry, retry_if_exception_type, stop_after_attempt

RAY_ADDRESS: Final = "RAY_ADDRESS"
"""Environment variable that names a cluster, here as for Ray's own tools."""

_ANSWERS_IN_S: Final = 10.0
_TRIES: Final = 3


class RayUnavailableError(Exception):
    """There is no Ray cluster at the address, or none with what the device asks for; the message says so."""


@contextmanager
def ray_cluster(address: str) -> Iterator[None]:
    """Connect to a Ray cluster for the length of a block; what still runs there at its end is cancelled.

    Args:
        address: ``HOST:PORT`` or ``auto`` on a node of the cluster, ``ray://HOST:PORT`` from elsewhere.

    Raises:
        RayUnavailableError: If there is none.
    """
    import ray

    try:
        _require_answer(address)
        _connect(address)
    except (OSError, RuntimeError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise RayUnavailableError(f"{RAY_ADDRESS}: no Ray cluster at {address}: {reason}") from error
    try:
        yield
    finally:
        ray.shutdown()


def task_resources(device: str, tasks: int | None = None) -> tuple[int, dict[str, float]]:
    """Return how many tasks to run at a time on the connected cluster, and the options of each.

    Args:
        device: ``auto`` takes GPUs if the cluster has any, ``cuda`` asks for them, ``cpu`` leaves them alone.
        tasks: Tasks at a time, which share the GPUs; by default one for each GPU, or else for each CPU.

    Raises:
        RayUnavailableError: If ``cuda`` is asked for and there is none.
    """
    import ray

    resources = ray.cluster_resources()  # type: ignore[no-untyped-call]
    gpus = 0 if device == "cpu" else int(resources.get("GPU", 0))
    if device == "cuda" and not gpus:
        raise RayUnavailableError("device: cuda was asked for, the Ray cluster has none; use auto or cpu")
    slots = tasks or max(1, gpus or int(resources.get("CPU", 1)))
    return slots, {"num_cpus": 1, "num_gpus": 1 / math.ceil(slots / gpus) if gpus else 0}


@retry(retry=retry_if_exception_type(ConnectionError), stop=stop_after_attempt(_TRIES), reraise=True)
def _connect(address: str) -> None:
    """Connect; for each of its clients Ray forks a server amid its threads, and now and then one of these hangs."""
    import ray

    ray.init(address=address, logging_level=logging.ERROR, log_to_driver=False)


def _require_answer(address: str) -> None:
    """Ray itself would ask an address where nobody answers for minutes."""
    host, _, port = address.rpartition("/")[2].rpartition(":")
    if port.isdigit():
        socket.create_connection((host.strip("[]"), int(port)), timeout=_ANSWERS_IN_S).close()
