"""Where trials run: as tasks on a Ray cluster."""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from closecast_trainer.config import TrainingConfig
from closecast_trainer.ray_cluster import ray_cluster, task_resources
from closecast_tuning.folds import Fold
from closecast_tuning.objective import Judgement, judge


class RayPool:
    """Judges in tasks of the cluster that this process is connected to; `ray_pool` makes one.

    Args:
        folds: All folds; each goes to the cluster once.
        device: Where to train; on GPUs if the cluster has any and the device is not ``cpu``.
        jobs: Tasks at a time, which share the GPUs; by default one for each GPU, or else for each CPU.
    """

    def __init__(self, folds: Sequence[Fold], device: str, jobs: int | None) -> None:
        import ray

        self.slots, resources = task_resources(device, jobs)
        self._ray = ray
        self._panels = [ray.put(fold.panel) for fold in folds]
        self._judge: Any = ray.remote(judge).options(**resources)
        self._device = device
        self._pending: dict[Any, int] = {}

    def submit(self, trial: int, fold: int, config: TrainingConfig) -> None:
        """Hand it to the cluster."""
        self._pending[self._judge.remote(self._panels[fold], config, self._device)] = trial

    def result(self) -> tuple[int, Judgement]:
        """Wait for whichever is done first; a task that a node took down with it has been tried anew by Ray before."""
        (done,), _ = self._ray.wait(list(self._pending), num_returns=1)
        trial = self._pending.pop(done)
        try:
            return trial, self._ray.get(done)
        except self._ray.exceptions.RayError as error:
            return trial, Judgement(math.nan, 0.0, f"{type(error).__name__}: {error}".splitlines()[0])


@contextmanager
def ray_pool(address: str, folds: Sequence[Fold], device: str, jobs: int | None = None) -> Iterator[RayPool]:
    """Connect to a Ray cluster for the length of a block; what still runs there at its end is cancelled.

    Args:
        address: As in ``RAY_ADDRESS``: ``HOST:PORT``, ``ray://HOST:PORT`` or ``auto``.
        folds: See `RayPool`, as for the others.
        device: See there.
        jobs: See there.

    Raises:
        RayUnavailableError: If there is no cluster, or none with what the device asks for.
    """
    with ray_cluster(address):
        yield RayPool(folds, device, jobs)
