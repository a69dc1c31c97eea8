"""How many replicas a load needs, judged by how busy they are.

With `RAY_SERVE_THROUGHPUT_OPTIMIZED=1` a replica answers on the event loop that also samples its ongoing requests, so a
handler that never awaits is always sampled as idle and Serve would never start another. Each replica therefore reports
the share of time that its event loop wanted to run, and this policy keeps that share near a target.

Ray Serve sends this module by value to its controller: it must not import anything of this package.
"""

import math
import threading
import time
from pathlib import Path
from typing import Any, Final

BUSY: Final = "busy"
_NANOSECONDS: Final = 1e9


class BusyPolicy:
    """Autoscaling policy of Ray Serve: enough replicas that each is busy for about a given share of its time.

    Args:
        target_busy: The share, above 0 and up to 1.
    """

    def __init__(self, target_busy: float) -> None:
        self._target = target_busy

    def __call__(self, ctx: Any) -> tuple[float, dict[str, Any]]:  # noqa: ANN401 - this must not import ray
        """Return the wanted number of replicas (bounds and delays are applied by Serve) and the unchanged state."""
        busy = (ctx.aggregated_metrics or {}).get(BUSY, {})
        by_time = sum(busy.values()) / self._target
        by_queue = ctx.total_num_requests / ctx.config.target_ongoing_requests
        return max(1, math.ceil(max(by_time, by_queue))), {}


class BusyMeter:
    """Measures the share of time that a thread was running or waiting for a processor.

    Waiting counts because a replica that competes for its processor is as saturated as one that has it. Where the
    kernel does not tell (no Linux), the processor time alone is taken.

    The thread measured is the one that makes the meter; where there is no `schedstat`, that thread must read it too.
    """

    def __init__(self) -> None:
        self._path = Path(f"/proc/self/task/{threading.get_native_id()}/schedstat")
        self._last = (time.perf_counter(), self._busy_s())

    def read(self) -> float:
        """Return the share since the last reading, from 0 to 1."""
        now, busy = time.perf_counter(), self._busy_s()
        (before, busy_before), self._last = self._last, (now, busy)
        return min(1.0, (busy - busy_before) / max(now - before, 1e-6))

    def _busy_s(self) -> float:
        try:
            running, waiting, _ = self._path.read_text().split()
        except OSError:
            return time.thread_time()
        return (int(running) + int(waiting)) / _NANOSECONDS
