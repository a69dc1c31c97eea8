"""Where trials run: as tasks on a Ray cluster."""

import logging
import math
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

from closecast_trainer.config import TrainingConfig
from closecast_tuning.folds import Fold
from closecast_tuning.objective import Judgement, judge

_ANSWERS_IN_S: Final = 10.0


class RayUnavailableError(Exception):
    """There is no Ray cluster at the address; the message names it."""


class RayPool:
    """Judges in tasks of the cluster that this process is connected to; `ray_pool` makes one.

    Args:
        folds: All folds; each goes to the cluster once.
        device: Where to train; on GPUs if the cluster has any and the device is not ``cpu``.
        jobs: Tasks at a time, which share the GPUs; by default one for each GPU, or else for each CPU.
    """

    def __init__(self, folds: Sequence[Fold], device: str, jobs: int | None) -> None:
        import ray

        resources = ray.cluster_resources()  # type: ignore[no-untyped-call]
        gpus = 0 if device == "cpu" else int(resources.get("GPU", 0))
        if device == "cuda" and not gpus:
            raise RayUnavailableError("device: cuda was asked for, the Ray cluster has none; use auto or cpu")
        self.slots = jobs or max(1, gpus or int(resources.get("CPU", 1)))
        share = 1 / math.ceil(self.slots / gpus) if gpus else 0
        self._ray = ray
        self._panels = [ray.put(fold.panel) for fold in folds]
        self._judge: Any = ray.remote(judge).options(num_cpus=1, num_gpus=share)
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
    import ray

    try:
        _require_answer(address)
        ray.init(address=address, logging_level=logging.ERROR, log_to_driver=False)
    except (OSError, RuntimeError, ValueError) as error:
        raise RayUnavailableError(f"RAY_ADDRESS: no Ray cluster at {address}: {error}") from error
    try:
        yield RayPool(folds, device, jobs)
    finally:
        ray.shutdown()


def _require_answer(address: str) -> None:
    """Ray itself would ask an address where nobody answers for minutes."""
    host, _, port = address.rpartition("/")[2].rpartition(":")
    if port.isdigit():
        socket.create_connection((host.strip("[]"), int(port)), timeout=_ANSWERS_IN_S).close()
