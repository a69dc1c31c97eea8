"""A new champion under full load: what the swap costs those who are asking.

One replica answers 32 connections as fast as it can while versions are promoted one after the other. The slowest
answers (p99) of the seconds in which a swap happens are compared with those of the seconds without.
"""

import statistics
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import httpx
from mlflow import MlflowClient
from services.predictor.tests.registry import register, settings_of
from services.predictor.tests.support import write_version
from tests.support.mlflow import MlflowServer

from benchmarks.load import result_of, start_load
from benchmarks.load_result import LoadResult
from benchmarks.pairs import CONNECTIONS
from benchmarks.predict import BODY
from benchmarks.report import Figures, Target, report
from benchmarks.system import System, b3_quotes, running_system
from closecast.events import ModelEvent
from closecast.kafka import Publisher
from closecast.mlflow_settings import CHAMPION

SWAPS: Final = 8
SECONDS: Final = 9.0
_WARM_UP_S: Final = 1.0
_SWAP_AT_S: Final = 4.0
_AFFECTED: Final = slice(4, 6)
"""Seconds of a run in which the swap happens: it is published as the first of them begins."""

_SERVED_S: Final = 30.0


def main() -> int:
    """Measure, report, and return 0 if the targets were met."""
    with TemporaryDirectory(prefix="closecast-bench-") as name, MlflowServer(Path(name)) as server:
        mlflow = settings_of(server.uri)
        with running_system(b3_quotes(21, 400), mlflow=mlflow) as system:
            folders = [write_version(Path(name) / str(at), log_stretch=0.01 * at) for at in range(1, SWAPS + 2)]
            events = [register(mlflow, folder, mlflow.model) for folder in folders]
            registry = MlflowClient(mlflow.tracking_uri)
            _swap(system, registry, events.pop(0))  # not counted: the first version brings ONNX Runtime into memory
            results, delays = _swaps(system, registry, events)
    during, calm = _during(results), _calm(results)
    rows: dict[str, Figures] = {
        "seconds with a swap": {"p99 ms": statistics.median(during), "worst p99 ms": max(during)},
        "seconds without": {"p99 ms": statistics.median(calm), "worst p99 ms": max(calm)},
        "all": {"requests/s": statistics.median(one.rps for one in results), "slowest swap s": max(delays)},
    }
    moved = statistics.median(during) - statistics.median(calm)
    targets = [
        Target("p99 with a swap less p99 without, ms", moved, 20.0, at_least=False),
        Target("failed requests", float(sum(one.failures for one in results)), 0.0, at_least=False),
    ]
    title = f"{SWAPS} swaps of the champion, {CONNECTIONS} connections at full speed"
    return 0 if report("swap", title, rows, targets) else 1


def _swaps(system: System, registry: MlflowClient, events: list[ModelEvent]) -> tuple[list[LoadResult], list[float]]:
    results: list[LoadResult] = []
    delays: list[float] = []
    for event in events:
        began = time.perf_counter()
        load = start_load(f"{system.address}/predict", BODY, CONNECTIONS, SECONDS)
        time.sleep(_WARM_UP_S + _SWAP_AT_S - (time.perf_counter() - began))
        delays.append(_swap(system, registry, event))
        results.append(result_of(load))
    return results, delays


def _swap(system: System, registry: MlflowClient, event: ModelEvent) -> float:
    """Make a version champion, announce it, and return the seconds until it answers.

    Raises:
        TimeoutError: If it does not within half a minute.
    """
    assert event.version is not None
    registry.set_registered_model_alias(event.model, CHAMPION, event.version)
    publisher = Publisher(system.kafka, "benchmark")
    publisher.send(system.kafka.topics.models, event)
    publisher.flush()
    published = time.perf_counter()
    publisher.close()
    while time.perf_counter() - published < _SERVED_S:
        answer = httpx.post(f"{system.address}/predict", content=BODY, trust_env=False).raise_for_status().json()
        if answer["version"] == event.version:
            return time.perf_counter() - published
    raise TimeoutError(f"version {event.version} does not answer")


def _during(results: list[LoadResult]) -> list[float]:
    return [p99 for one in results for p99 in one.p99_ms_by_second[_AFFECTED]]


def _calm(results: list[LoadResult]) -> list[float]:
    before, after = slice(None, _AFFECTED.start), slice(_AFFECTED.stop, None)
    return [p99 for one in results for part in (before, after) for p99 in one.p99_ms_by_second[part]]


if __name__ == "__main__":
    sys.exit(main())
