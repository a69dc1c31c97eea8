"""Where the forecaster's work arrives: events and changes of models, gathered into bursts."""

import queue
import time
from dataclasses import dataclass, field
from typing import Final

from closecast.events import Event
from closecast_predictor.champion import Change

_LONGEST_GATHERING_S: Final = 0.25
"""A stream that never pauses is still answered this often."""


@dataclass(slots=True)
class Work:
    """What is to be done in one go.

    Attributes:
        events: Events in the order of their arrival.
        models: The latest change of each registered model that has changed, by name.
        arrived: `time.perf_counter` when the first of it came.
    """

    events: list[Event] = field(default_factory=list)
    models: dict[str, Change] = field(default_factory=dict)
    arrived: float = field(default_factory=time.perf_counter)


class Inbox:
    """A queue whose reader sleeps until there is work, then takes what comes within a moment.

    Args:
        gather_s: How long to wait for more after something came; a model is never kept waiting.
    """

    def __init__(self, gather_s: float) -> None:
        self._gather_s = gather_s
        self._queue: queue.SimpleQueue[list[Event] | Change | None] = queue.SimpleQueue()

    def put(self, item: list[Event] | Change) -> None:
        """Add work; any thread may."""
        self._queue.put(item)

    def close(self) -> None:
        """Have the reader end."""
        self._queue.put(None)

    def gather(self, timeout_s: float | None = None) -> Work | None:
        """Wait for work and return it; None once the inbox is closed.

        Args:
            timeout_s: How long to wait at most; what comes back is then empty. None waits for ever.
        """
        work = Work()
        try:
            item = self._queue.get(timeout=timeout_s)
        except queue.Empty:
            return work
        work.arrived = time.perf_counter()
        while item is not None:
            if isinstance(item, list):
                work.events += item
            else:
                work.models[item.name] = item
            urgent = bool(work.models) or time.perf_counter() - work.arrived > _LONGEST_GATHERING_S
            try:
                item = self._queue.get_nowait() if urgent else self._queue.get(timeout=self._gather_s)
            except queue.Empty:
                return work
        return None
