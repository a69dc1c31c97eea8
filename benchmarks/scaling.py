"""From one replica to two: how long a load that needs them waits for the second, in the mode that is measured."""

import sys
import time
from collections.abc import Callable
from typing import Final

import httpx
from prometheus_client.parser import text_string_to_metric_families

from benchmarks.load import result_of, start_load
from benchmarks.pairs import CONNECTIONS
from benchmarks.predict import BODY
from benchmarks.report import Figures, Target, report
from benchmarks.system import System, b3_quotes, running_system

SECONDS: Final = 60.0
_REPLICA: Final = "ServeReplica:closecast:Api"
_BUSY: Final = "closecast_predictor_replica_busy_ratio"
_AT_WORK: Final = 0.1
_PAUSE_S: Final = 0.2


def main() -> int:
    """Measure, report, and return 0 if the targets were met."""
    with running_system(b3_quotes(21, 400), MAX_REPLICAS="2") as system:
        began = time.perf_counter()
        load = start_load(f"{system.address}/predict", BODY, CONNECTIONS, SECONDS)
        started = _until(lambda: len(system.processes(_REPLICA)), began)
        at_work = _until(lambda: _at_work(system), began)
        result = result_of(load)
    rows: dict[str, Figures] = {
        "second replica": {"process starts s": started, "answers s": at_work},
        "requests": {"requests/s": result.rps, "p99 ms": result.p99_ms, "failures": result.failures},
    }
    targets = [
        Target("from the begin of the load to two replicas at work, s", at_work, 20.0, at_least=False),
        Target("failed requests", float(result.failures), 0.0, at_least=False),
    ]
    title = f"From one replica to two, {CONNECTIONS} connections at full speed"
    return 0 if report("scaling", title, rows, targets) else 1


def _until(count: Callable[[], int], began: float) -> float:
    """Return the seconds until there are two, infinity if there never are while the load lasts."""
    while count() < 2:
        if time.perf_counter() - began > SECONDS:
            return float("inf")
        time.sleep(_PAUSE_S)
    return time.perf_counter() - began


def _at_work(system: System) -> int:
    """Return how many replicas are busy with requests, as their own metric tells."""
    text = httpx.get(f"{system.address}/metrics", trust_env=False, timeout=30).raise_for_status().text
    samples = (sample for family in text_string_to_metric_families(text) for sample in family.samples)
    return sum(sample.name == _BUSY and sample.value > _AT_WORK for sample in samples)


if __name__ == "__main__":
    sys.exit(main())
