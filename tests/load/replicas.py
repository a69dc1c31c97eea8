"""How many replicas answer requests, looked up again and again while a load runs."""

import re
import subprocess
import threading
import time
from dataclasses import dataclass
from typing import Final, Self

from tests.support.release import Release

_LOOK_S: Final = 2.0
_PORT: Final = 9203
_REQUESTS: Final = re.compile(r"^http_requests_total\{.*\} ([\d.e+]+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen at a time.

    Attributes:
        at: When, in seconds since 1970.
        workers: Ray's workers that run.
        answering: Those that have answered requests since the last look; each holds one replica.
    """

    at: float
    workers: int
    answering: frozenset[str]


class Watch:
    """Looks every two seconds for the length of its `with` block."""

    def __init__(self, release: Release) -> None:
        self.looks: list[Look] = []
        self._release = release
        self._requests: dict[str, float] = {}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._ended.set()
        self._thread.join()

    def first_new(self, since: float) -> float:
        """Return how many seconds after a time a worker answered that did not before; NaN if none did."""
        known = {worker for look in self.looks if look.at < since for worker in look.answering}
        new = (look.at - since for look in self.looks if look.at >= since and look.answering - known)
        return next(new, float("nan"))

    def _watch(self) -> None:
        while not self._ended.wait(_LOOK_S):
            workers = self._release.ray_pods("worker")
            answering = frozenset(worker for worker in workers if self._has_answered(worker))
            self.looks.append(Look(time.time(), len(workers), answering))

    def _has_answered(self, worker: str) -> bool:
        try:
            served = self._release.raw(f"pods/{worker}:{_PORT}/proxy/metrics")
        except subprocess.CalledProcessError:  # it is not up yet, or about to go
            return False
        requests = sum(map(float, _REQUESTS.findall(served)))
        before = self._requests.get(worker, 0.0)
        self._requests[worker] = requests
        return requests > before
