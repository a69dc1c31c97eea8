from collections.abc import Iterator
from contextlib import closing

import pytest
from prometheus_client import CollectorRegistry, Counter, start_http_server

from closecast.events import Forecast, ModelEvent
from closecast.kafka import KafkaSettings, Publisher, ensure_topics, new_producer
from closecast_local.observations import Follower, Metrics


@pytest.fixture
def metrics_url() -> Iterator[str]:
    registry = CollectorRegistry()
    quotes = Counter("quotes", "Quotes.", ["exchange", "kind"], registry=registry)
    quotes.labels("XNYS", "new").inc(3)
    quotes.labels("BVMF", "new").inc(4)
    quotes.labels("BVMF", "correction").inc()
    server, thread = start_http_server(0, addr="127.0.0.1", registry=registry)
    yield f"http://127.0.0.1:{server.server_port}/metrics"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_metric_is_summed_over_the_labels_that_are_not_given(metrics_url: str) -> None:
    metrics = Metrics.scrape(metrics_url)
    assert metrics.value("quotes_total") == 8
    assert metrics.value("quotes_total", kind="new") == 7
    assert metrics.value("quotes_total", kind="new", exchange="BVMF") == 4
    assert metrics.value("unknown") == 0


def test_a_service_that_does_not_answer_has_no_metrics() -> None:
    assert Metrics.scrape("http://127.0.0.1:1/metrics").value("quotes_total") == 0


def test_the_follower_knows_the_latest_and_what_is_new(kafka_settings: KafkaSettings) -> None:
    topics = kafka_settings.topics
    ensure_topics(kafka_settings, topics)
    publisher = Publisher(kafka_settings, "tests")
    publisher.send(topics.models, outcome("1"))
    publisher.send(topics.models, outcome("9").model_copy(update={"model": "closecast-aapl"}))
    publisher.send(topics.forecasts, forecast("AAPL", "base"))
    publisher.flush()
    producer = new_producer(kafka_settings, "tests")
    producer.send(topics.models.name, b"garbage", key=b"any").get(timeout=30)
    producer.close()

    with closing(Follower(kafka_settings)) as follower:
        poll_until_caught_up(follower)
        assert follower.outcome is not None
        assert (follower.outcome.version, follower.outcome_is_new) == ("1", False)
        assert follower.forecasts["AAPL"].version == "base"

        publisher.send(topics.models, outcome("2"))
        publisher.send(topics.forecasts, forecast("AAPL", "2"))
        publisher.flush()
        while follower.outcome.version == "1" or follower.forecasts["AAPL"].version == "base":
            follower.poll()
        assert (follower.outcome.version, follower.outcome_is_new) == ("2", True)
    publisher.close()


def poll_until_caught_up(follower: Follower) -> None:
    while not follower.caught_up:
        follower.poll()


def outcome(version: str) -> ModelEvent:
    return ModelEvent.model_validate(ModelEvent.example | {"version": version})


def forecast(symbol: str, version: str) -> Forecast:
    return Forecast.model_validate(Forecast.example | {"symbol": symbol, "version": version})
