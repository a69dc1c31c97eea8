"""Where the LSTMs of a training are taught: on the Ray cluster of ``RAY_ADDRESS``, or in this process."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from closecast_trainer.members import Lesson, Spread, Teach, spread_here, teach
from closecast_trainer.ray_cluster import RAY_ADDRESS, RayUnavailableError, ray_cluster, task_resources


@contextmanager
def spreading(device: str, tell: Callable[[str], None]) -> Iterator[Spread]:
    """Connect to the Ray cluster of the environment for the length of a block, if it names one.

    A cluster that cannot be reached holds no training up: it is told, and all is done here, to the same weights.

    Args:
        device: ``auto``, ``cpu`` or ``cuda``, on whatever machine.
        tell: Told where, if a cluster is named.
    """
    address = os.environ.get(RAY_ADDRESS)
    with ExitStack() as stack:
        spread = spread_here(device)
        if address:
            try:
                stack.enter_context(ray_cluster(address))
            except RayUnavailableError as error:
                tell(f"on this machine alone: {error}")
            else:
                tell(f"on the Ray cluster at {address}")
                spread = spread_over_ray(device)
        yield spread


def spread_over_ray(device: str) -> Spread:
    """Teach in tasks of the connected cluster, one for each LSTM and epoch; Ray runs those lost with a node again.

    Args:
        device: ``auto``, ``cpu`` or ``cuda``, on the nodes.
    """

    def begin(lesson: Lesson) -> Teach:
        import ray

        _, resources = task_resources(device, lesson.config.members)
        there: Any = ray.remote(teach).options(scheduling_strategy="SPREAD", **resources)
        shared = ray.put(lesson)
        return lambda members: ray.get([there.remote(member, shared, device) for member in members])

    return begin
