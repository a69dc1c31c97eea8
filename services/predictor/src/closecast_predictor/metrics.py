"""Prometheus metrics of the predictor, merged over all replicas of a machine.

`PROMETHEUS_MULTIPROC_DIR` must be in the environment before this module is imported (see `ray_runtime`): each process
then writes its numbers to files there, and any of them can expose the sum. Without it a process counts for itself.
"""

import os
from collections.abc import Iterable, Iterator
from typing import Final

from prometheus_client import (
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    Metric,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

MULTIPROC_DIR: Final = "PROMETHEUS_MULTIPROC_DIR"

_HTTP_BUCKETS: Final = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)
_INFERENCE_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
_ERROR_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.015, 0.02, 0.03, 0.05, 0.075, 0.1, 0.2)

HTTP_REQUESTS: Final = Counter("http_requests", "HTTP requests that were answered.", ["method", "status"])
HTTP_DURATION: Final = Histogram(
    "http_request_duration_seconds",
    "From the first byte of a request's body to the answer, inside a replica.",
    buckets=_HTTP_BUCKETS,
)
INFERENCE_DURATION: Final = Histogram(
    "model_inference_duration_seconds",
    "One batched inference, from windows to prices.",
    ["source"],
    buckets=_INFERENCE_BUCKETS,
)
PREDICTIONS: Final = Counter("model_predictions", "Forecasts that were answered over HTTP.", ["source"])
PREDICTION_ERROR: Final = Histogram(
    "model_prediction_error_absolute",
    "Absolute error of the median, as a share of the close, once the session has closed.",
    ["horizon"],
    buckets=_ERROR_BUCKETS,
)

NAIVE_ERROR: Final = Histogram(
    "closecast_predictor_naive_error_absolute",
    "The same error of the forecast that the close stays where it was.",
    ["horizon"],
    buckets=_ERROR_BUCKETS,
)
COVERED: Final = Counter(
    "closecast_predictor_intervals_covered", "80 % intervals that held the close that came.", ["horizon"]
)
SCORED: Final = Counter("closecast_predictor_forecasts_scored", "Forecasts whose session has closed.", ["horizon"])
PUBLISHED: Final = Counter("closecast_predictor_forecasts_published", "Forecasts sent to Kafka.")
PUBLISH_FAILURES: Final = Counter("closecast_predictor_publish_failures", "Batches of forecasts that Kafka refused.")
QUOTES: Final = Counter("closecast_predictor_quotes", "Quotes that were read.")
INVALID_RECORDS: Final = Counter(
    "closecast_predictor_invalid_records", "Records that were skipped because they could not be read.", ["topic"]
)
LAG: Final = Gauge(
    "closecast_predictor_lag",
    "Records of a topic that are still to be read.",
    ["topic"],
    multiprocess_mode="mostrecent",
)
SNAPSHOTS: Final = Counter("closecast_predictor_snapshots", "States shared with the replicas.")
SNAPSHOT_DELAY: Final = Histogram(
    "closecast_predictor_snapshot_delay_seconds",
    "From the arrival of the first quote of a burst to the snapshot that knows it.",
    buckets=_INFERENCE_BUCKETS,
)
STARTED: Final = Gauge(
    "closecast_predictor_start_time_seconds", "When the first process began to count.", multiprocess_mode="min"
)
SYMBOLS: Final = Gauge(
    "closecast_predictor_symbols", "Symbols that there is a forecast of.", multiprocess_mode="mostrecent"
)
MODEL_INFO: Final = Gauge(
    "closecast_predictor_model_info",
    "1 for the model that speaks.",
    ["model", "version"],
    multiprocess_mode="mostrecent",
)
MODEL_CREATED: Final = Gauge(
    "closecast_predictor_model_created_timestamp_seconds",
    "When the version of a model that speaks was trained; 0 for one that does not speak, and for the base.",
    ["model"],
    multiprocess_mode="mostrecent",
)
MODEL_STALE: Final = Gauge(
    "closecast_predictor_model_stale",
    "1 while the panel's champion could not be loaded and an older version or the base speaks.",
    multiprocess_mode="mostrecent",
)
DRIFT: Final = Gauge(
    "closecast_predictor_drift",
    "1 while live forecasts of the version that speaks are worse than they may be, by error or by coverage.",
    ["model", "kind"],
    multiprocess_mode="mostrecent",
)
MODEL_LOAD_FAILURES: Final = Counter("closecast_predictor_model_load_failures", "Failed attempts to load a champion.")
FAILURES: Final = Counter("closecast_predictor_failures", "Unexpected errors that left the last snapshot standing.")
REPLICA_BUSY: Final = Gauge(
    "closecast_predictor_replica_busy_ratio",
    "Share of its time that a replica is busy.",
    ["replica"],
    multiprocess_mode="mostrecent",
)

_OURS: Final = ("closecast_", "http_", "model_")
"""Ray's own processes inherit the folder and count into it as well."""


class _MergedMetrics(Collector):
    """The metrics of all processes that share the folder, without those that are not ours."""

    def __init__(self) -> None:
        self._merged = MultiProcessCollector(None)  # type: ignore[no-untyped-call]

    def collect(self) -> Iterator[Metric]:
        """Yield the merged metrics."""
        merged: Iterable[Metric] = self._merged.collect()  # type: ignore[no-untyped-call]
        yield from (metric for metric in merged if metric.name.startswith(_OURS))


def registry() -> CollectorRegistry:
    """Return the registry to expose: all processes of this machine where they share a folder, else this one."""
    if MULTIPROC_DIR not in os.environ:
        return REGISTRY
    merged = CollectorRegistry()
    merged.register(_MergedMetrics())
    return merged


def node_registry() -> CollectorRegistry:
    """Return the same with what Python tells of the process that exposes it: ``process_*`` and ``python_*``."""
    exposed = registry()
    if exposed is not REGISTRY:
        ProcessCollector(registry=exposed)
        GCCollector(registry=exposed)
        PlatformCollector(registry=exposed)
    return exposed


def exposition() -> bytes:
    """Return the metrics in Prometheus' text format."""
    return generate_latest(registry())
