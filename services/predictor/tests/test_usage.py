import math
from datetime import UTC, datetime

import pytest
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from closecast_predictor import metrics
from closecast_predictor.usage import Latency, read_requests

BUCKETS = (0.001, 0.01, 0.1)


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


def test_requests_are_summed_over_their_labels(registry: CollectorRegistry) -> None:
    requests = Counter("http_requests", "of a test", ["method", "status"], registry=registry)
    for method, status, times in (("GET", "200", 3), ("POST", "200", 2), ("POST", "422", 1)):
        requests.labels(method, status).inc(times)
    predictions = Counter("model_predictions", "of a test", ["source"], registry=registry)
    predictions.labels("snapshot").inc(4)
    predictions.labels("history").inc()
    Gauge("closecast_predictor_start_time_seconds", "of a test", registry=registry).set(1_750_000_000)

    read = read_requests(registry)

    assert read.since == datetime.fromtimestamp(1_750_000_000, UTC)
    assert (read.total, read.by_status) == (6, {"200": 5, "422": 1})
    assert read.predictions == {"history": 1, "snapshot": 4}


def test_nothing_asked_has_no_latency(registry: CollectorRegistry) -> None:
    Histogram("http_request_duration_seconds", "of a test", buckets=BUCKETS, registry=registry)

    read = read_requests(registry)

    assert (read.since, read.total, read.by_status, read.predictions) == (None, 0, {}, {})
    assert read.latency_ms == Latency(None, None, None)


def test_quantiles_are_linear_within_their_bucket(registry: CollectorRegistry) -> None:
    latency = Histogram("http_request_duration_seconds", "of a test", buckets=BUCKETS, registry=registry)
    for _ in range(90):
        latency.observe(0.0005)
    for _ in range(10):
        latency.observe(0.05)

    read = read_requests(registry).latency_ms

    assert read.p50 == pytest.approx(50 / 90)
    assert read.p95 == pytest.approx(10 + 0.5 * 90)
    assert read.p99 == pytest.approx(10 + 0.9 * 90)


def test_what_lies_beyond_the_buckets_is_told_as_the_last_bound(registry: CollectorRegistry) -> None:
    latency = Histogram("http_request_duration_seconds", "of a test", buckets=BUCKETS, registry=registry)
    latency.observe(7.0)

    read = read_requests(registry).latency_ms

    assert read.p50 is not None
    assert math.isclose(read.p50, 100.0)


def test_the_metrics_have_the_names_that_are_read() -> None:
    before = read_requests(metrics.registry())
    metrics.HTTP_REQUESTS.labels("GET", "418").inc()
    metrics.PREDICTIONS.labels("test").inc()
    metrics.HTTP_DURATION.observe(0.01)
    metrics.STARTED.set_to_current_time()

    after = read_requests(metrics.registry())
    assert after.total == before.total + 1
    assert after.by_status["418"] == before.by_status.get("418", 0) + 1
    assert after.predictions["test"] == before.predictions.get("test", 0) + 1
    assert after.latency_ms.p99 is not None
    assert after.since is not None
