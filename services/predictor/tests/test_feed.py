import time
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import pytest
from services.predictor.tests.support import book_of, forecast_from, quotes_of, sessions_of

from closecast.events import Event, Forecast, ModelEvent, Quote, TrainingRequest
from closecast.kafka import KafkaSettings, Publisher, TransactionalPublisher, ensure_topics, new_producer
from closecast_predictor import metrics
from closecast_predictor.feed import Feed
from closecast_predictor.snapshot import Lineup, Model

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
SYMBOLS = ("PETR4.SA", "VALE3.SA", "AAPL")


@pytest.fixture
def kafka(kafka_settings: KafkaSettings) -> KafkaSettings:
    ensure_topics(kafka_settings, kafka_settings.topics)
    return kafka_settings


def publish(kafka: KafkaSettings, *events: Event) -> None:
    publisher = Publisher(kafka, "test")
    topics = kafka.topics
    by_type = {Quote: topics.quotes, ModelEvent: topics.models, TrainingRequest: topics.training_requests}
    for event in events:
        publisher.send(by_type.get(type(event), topics.forecasts), event)
    publisher.flush()
    publisher.close()


def by_key(events: Sequence[Event]) -> list[Event]:
    return sorted(events, key=lambda event: event.key())


def test_the_backlog_ends_and_polling_goes_on_behind_it(kafka: KafkaSettings) -> None:
    quotes = {symbol: quotes_of(symbol, 20) for symbol in SYMBOLS}
    publish(kafka, *(one for symbol in SYMBOLS for one in quotes[symbol][:15]))
    feed = Feed(kafka, 400, LONG_AGO)

    backlog = list(feed.backlog())
    publish(kafka, *(one for symbol in SYMBOLS for one in quotes[symbol][15:]))
    live: list[Event] = []
    while len(live) < 15:
        live += feed.poll(5.0)
    feed.close()

    assert by_key(backlog) == by_key([one for symbol in SYMBOLS for one in quotes[symbol][:15]])
    assert by_key(live) == by_key([one for symbol in SYMBOLS for one in quotes[symbol][15:]])


def test_forecasts_are_read_from_the_given_time_on(kafka: KafkaSettings) -> None:
    quotes = quotes_of("PETR4.SA")
    publish(kafka, forecast_from(quotes[:-1]))
    between = datetime.now(UTC)
    time.sleep(0.01)
    publish(kafka, forecast_from(quotes))

    feed = Feed(kafka, 400, between)
    origins = [event.origin for event in feed.backlog() if isinstance(event, Forecast)]
    feed.close()

    assert origins == [quotes[-1].session]


def test_the_lag_is_what_has_not_been_read(kafka: KafkaSettings) -> None:
    feed = Feed(kafka, 400, LONG_AGO)
    list(feed.backlog())
    publisher = TransactionalPublisher(kafka, "test", f"test-{kafka.topic_prefix}")
    with publisher.transaction():
        for one in quotes_of("PETR4.SA", 3000, date(2010, 1, 4)):
            publisher.send(kafka.topics.quotes, one)
    publisher.close()

    read = 0
    lags: list[int] = []
    while read < 3000 or lags[-1]:
        read += len(feed.poll(5.0))
        lags.append(feed.lag[kafka.topics.quotes.name])
    feed.close()

    assert max(lags) >= 1000
    assert lags[-1] == 0
    assert feed.lag[kafka.topics.models.name] == 0
    assert "forecasts" not in "".join(feed.lag)


def test_commit_markers_at_the_end_do_not_hold_up_the_backlog(kafka: KafkaSettings) -> None:
    publisher = TransactionalPublisher(kafka, "test", f"test-{kafka.topic_prefix}")
    for one in quotes_of("PETR4.SA", 3):
        with publisher.transaction():
            publisher.send(kafka.topics.quotes, one)
    publisher.close()

    feed = Feed(kafka, 400, LONG_AGO)

    assert len(list(feed.backlog())) == 3
    feed.close()


def test_old_sessions_are_not_read(kafka: KafkaSettings) -> None:
    start = date(2020, 1, 2)
    new = sessions_of("AAPL", 900, start)[-1]
    assert new - start > timedelta(days=900)
    publish(kafka, *quotes_of("AAPL", 900, start))

    feed = Feed(kafka, 100, LONG_AGO)
    sessions = [event.session for event in feed.backlog() if isinstance(event, Quote)]
    feed.close()

    assert 100 <= len(sessions) < 200
    assert max(sessions) == new


def test_all_kinds_of_events_are_read(kafka: KafkaSettings) -> None:
    (forecast,) = book_of("PETR4.SA").forecast(Lineup(Model.base("closecast-panel")), ["PETR4.SA"])
    request = TrainingRequest(model="closecast-panel")
    event = ModelEvent(request_id=request.id, model="closecast-panel", outcome="failed", reason="test")
    publish(kafka, forecast, request, event, *quotes_of("PETR4.SA", 2))

    feed = Feed(kafka, 400, LONG_AGO)
    backlog = list(feed.backlog())
    feed.close()

    assert backlog[0] == forecast
    assert {type(one) for one in backlog[1:]} == {TrainingRequest, ModelEvent, Quote}


@pytest.mark.parametrize(
    "poison",
    [
        b"no json",
        b"{}",
        b'{"schema_version": "2.0"}',
        None,
        quotes_of("PETR4.SA", 1)[0].to_bytes().replace(b'"close":30.0', b'"close":0'),
        quotes_of("PETR4.SA", 1)[0].to_bytes().replace(b'"close":30.0', b'"close":NaN'),
    ],
)
def test_a_record_that_cannot_be_read_is_counted_and_skipped(kafka: KafkaSettings, poison: bytes | None) -> None:
    counter = metrics.INVALID_RECORDS.labels(kafka.topics.quotes.name)
    before = counter._value.get()
    producer = new_producer(kafka, "test")
    for value in (quotes_of("PETR4.SA", 2)[0].to_bytes(), poison, quotes_of("PETR4.SA", 2)[1].to_bytes()):
        producer.send(kafka.topics.quotes.name, value=value, key=b"key", partition=0)
    producer.flush()
    producer.close()

    feed = Feed(kafka, 400, LONG_AGO)
    backlog = list(feed.backlog())
    feed.close()

    assert [one.session for one in backlog if isinstance(one, Quote)] == list(sessions_of("PETR4.SA", 2))
    assert counter._value.get() == before + 1
