"""What an idle predictor costs: processor time and memory of each of its processes, Ray's among them.

It has answered a load before, so that memory is that of a replica at work. The peer is Ray Serve in its default mode
with one route, just as idle. The machine should do nothing else.
"""

import sys
import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import psutil

from benchmarks.load import result_of, start_load
from benchmarks.pairs import CONNECTIONS, peer
from benchmarks.predict import BODY
from benchmarks.report import Figures, Target, report
from benchmarks.system import b3_quotes, running_system

SECONDS: Final = 60.0
_LOAD_S: Final = 5.0
_SETTLE_S: Final = 30.0
"""Replicas, proxies and the broker's connections come to rest."""

_MB: Final = 2**20
_API: Final = "Api replica"
_ROLES: Final = {
    "ServeReplica:closecast:Api": _API,
    "ServeReplica:closecast:Forecaster": "Forecaster",
    "ServeController": "Serve's controller",
    "HAProxyManager": "Serve's manager of HAProxy",
    "ProxyActor": "Serve's fallback proxy",
    "haproxy": "HAProxy",
    "gcs_server": "Ray's GCS",
    "raylet/raylet": "raylet",
    "log_monitor": "Ray's monitor of logs",
    "monitor.py": "Ray's autoscaler",
    "Agent": "Ray's agents",
    "dashboard": "Ray's dashboard",
}
_OTHER: Final = "the command itself"


@dataclass(slots=True)
class Cost:
    """What the processes of one role cost.

    Attributes:
        processor: Percent of a core.
        rss: Bytes in memory, shared ones counted in full.
        pss: Bytes in memory, shared ones split among those who share them.
    """

    processor: float = 0.0
    rss: int = 0
    pss: int = 0


def main() -> int:
    """Measure, report, and return 0 if the targets were met."""
    with running_system(b3_quotes(21, 400)) as system:
        result_of(start_load(f"{system.address}/predict", BODY, CONNECTIONS, _LOAD_S))
        time.sleep(_SETTLE_S)
        costs = _costs(system.processes())
    with peer("default_serve"):
        time.sleep(_SETTLE_S)
        default = _total(_costs(psutil.Process().children(recursive=True)))
    total = _total(costs)
    dearest = sorted(costs.items(), key=lambda item: -item[1].processor)
    rows = {name: _figures(cost) for name, cost in [*dearest, ("all", total), ("Ray Serve, default mode", default)]}
    targets = [
        Target("an idle predictor, % of a core", total.processor, 5.0, at_least=False),
        Target(
            "the same as a multiple of Ray Serve's default mode",
            total.processor / default.processor,
            1.0,
            at_least=False,
        ),
        Target("an Api replica, MB of RSS", costs[_API].rss / _MB, 400.0, at_least=False),
    ]
    return 0 if report("footprint", f"An idle predictor with all its processes, {SECONDS:g} s", rows, targets) else 1


def _costs(processes: list[psutil.Process]) -> dict[str, Cost]:
    costs: dict[str, Cost] = defaultdict(Cost)
    before = {process.pid: _processor_s(process) for process in processes}
    began = time.perf_counter()
    time.sleep(SECONDS)
    took = time.perf_counter() - began
    for process in processes:
        cost = costs[_role(process)]
        memory = process.memory_full_info()
        cost.processor += 100 * (_processor_s(process) - before[process.pid]) / took
        cost.rss += memory.rss
        cost.pss += memory.pss
    return costs


def _total(costs: Mapping[str, Cost]) -> Cost:
    return Cost(
        sum(cost.processor for cost in costs.values()),
        sum(cost.rss for cost in costs.values()),
        sum(cost.pss for cost in costs.values()),
    )


def _processor_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _role(process: psutil.Process) -> str:
    command = " ".join(process.cmdline())
    return next((role for part, role in _ROLES.items() if part in command), _OTHER)


def _figures(cost: Cost) -> Figures:
    return {"% of a core": cost.processor, "RSS MB": cost.rss / _MB, "PSS MB": cost.pss / _MB}


if __name__ == "__main__":
    sys.exit(main())
