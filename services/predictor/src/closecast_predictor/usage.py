"""How much is asked and how quickly it is answered, from the metrics of all replicas."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from prometheus_client import CollectorRegistry
from prometheus_client.samples import Sample


@dataclass(frozen=True, slots=True)
class Latency:
    """Quantiles of the time from a request to its answer inside a replica, in milliseconds; none without requests."""

    p50: float | None
    p95: float | None
    p99: float | None


@dataclass(frozen=True, slots=True)
class Requests:
    """What HTTP was asked.

    Attributes:
        since: Since when it is counted; none before the first replica has begun.
        total: Requests that were answered.
        by_status: How many, by the status of the answer.
        predictions: Forecasts that were answered, by what they were made from.
        latency_ms: How long the answers took.
    """

    since: datetime | None
    total: int
    by_status: Mapping[str, int]
    predictions: Mapping[str, int]
    latency_ms: Latency


def read_requests(registry: CollectorRegistry) -> Requests:
    """Return the figures of all processes whose metrics a registry merges."""
    samples = [sample for family in registry.collect() for sample in family.samples]
    by_status = _sums(samples, "http_requests_total", "status")
    started = _sums(samples, "closecast_predictor_start_time_seconds", "").get("", 0.0)
    buckets = _sums(samples, "http_request_duration_seconds_bucket", "le")
    counts = {float(bound): count for bound, count in buckets.items()}
    return Requests(
        since=datetime.fromtimestamp(started, UTC) if started else None,
        total=round(sum(by_status.values())),
        by_status={status: round(count) for status, count in sorted(by_status.items())},
        predictions={
            source: round(n) for source, n in sorted(_sums(samples, "model_predictions_total", "source").items())
        },
        latency_ms=Latency(*(_quantile(counts, share) for share in (0.5, 0.95, 0.99))),
    )


def _sums(samples: Iterable[Sample], name: str, label: str) -> dict[str, float]:
    """Return the sums of a metric by one of its labels."""
    sums: Counter[str] = Counter()
    for sample in samples:
        if sample.name == name:
            sums[sample.labels.get(label, "")] += sample.value  # type: ignore[assignment]
    return dict(sums)


def _quantile(buckets: Mapping[float, float], share: float) -> float | None:
    """Return a quantile in milliseconds from cumulative counts by upper bound, linear within a bucket.

    What lies beyond the last finite bound is told as that bound, as Prometheus does.
    """
    bounds = sorted(buckets)
    if not bounds or not buckets[bounds[-1]]:
        return None
    wanted = share * buckets[bounds[-1]]
    lower, below = 0.0, 0.0
    for bound in bounds:
        if buckets[bound] >= wanted:
            within = (wanted - below) / (buckets[bound] - below) if buckets[bound] > below else 1.0
            upper = lower if math.isinf(bound) else bound
            return 1000 * (lower + within * (upper - lower))
        lower, below = bound, buckets[bound]
    raise AssertionError("the last bucket counts all")
