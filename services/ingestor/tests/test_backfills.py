"""Requests for further symbols, on a real Kafka: quotes once, an outcome for each, nothing lost."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from closecast.calendars import calendar_of
from closecast.events import BackfillEvent, BackfillRequest, Event, Quote
from closecast.kafka import (
    FencedError,
    KafkaSettings,
    Publisher,
    TooManyInvalidRecordsError,
    ensure_topics,
    new_consumer,
    new_producer,
    partitions_of,
    read_to_end,
)
from closecast.topics import Topic
from closecast_ingestor.backfills import Backfills
from closecast_ingestor.publishing import Publication
from closecast_ingestor.settings import IngestorSettings
from closecast_ingestor.settled import Window
from closecast_ingestor.sources.csv_folder import CsvFolder

pytestmark = pytest.mark.kafka

HEADER = "Date,Open,High,Low,Close,Volume"
WAIT_S = 60.0
CsvWriter = Callable[..., Path]


def lines(*sessions: date) -> list[str]:
    return [f"{session},1,1,1,1,1" for session in sessions]


def recent(count: int) -> tuple[date, ...]:
    now = datetime.now(UTC)
    settled = calendar_of("XNYS").last_settled(now, timedelta(hours=1))
    return calendar_of("XNYS").sessions(settled - timedelta(days=30), settled)[-count:]


OLD = calendar_of("XNYS").sessions(date(2013, 1, 2), date(2013, 1, 15))


@pytest.fixture
def kafka(kafka_settings: KafkaSettings) -> KafkaSettings:
    ensure_topics(kafka_settings, kafka_settings.topics)
    return kafka_settings


@contextmanager
def started(kafka: KafkaSettings, folder: Path, identity: str = "test") -> Iterator[Backfills]:
    settings = IngestorSettings(
        command="serve", source="csv", csv_folder=folder, transactional_id=kafka.topic_prefix + identity, kafka=kafka
    )
    now = datetime.now(UTC)
    window = Window(date(2000, 1, 3), now.date(), now, timedelta(hours=1))
    since = now - timedelta(days=30)
    with Publication(kafka, settings.identity, (), since, batch_size=3) as publication:
        backfills = Backfills(settings, CsvFolder(folder), publication, lambda: window, threading.Event())
        try:
            yield backfills
        finally:
            backfills.close()


def ask(kafka: KafkaSettings, *symbols: str) -> list[BackfillRequest]:
    requests = [BackfillRequest(symbol=symbol) for symbol in symbols]
    send(kafka, kafka.topics.backfill_requests, *requests)
    return requests


def send(kafka: KafkaSettings, topic: Topic, *events: Event) -> None:
    publisher = Publisher(kafka, "test")
    for event in events:
        publisher.send(topic, event)
    publisher.flush()
    publisher.close()


def send_bytes(kafka: KafkaSettings, *values: bytes) -> None:
    producer = new_producer(kafka, "test")
    for value in values:
        producer.send(kafka.topics.backfill_requests.name, value, key=b"any").get(timeout=30)
    producer.close()


def records(kafka: KafkaSettings, topic: Topic) -> list[Any]:
    consumer = new_consumer(kafka, "test-reader")
    try:
        return list(read_to_end(consumer, dict.fromkeys(partitions_of(consumer, topic), 0)))
    finally:
        consumer.close()


def quotes(kafka: KafkaSettings) -> list[tuple[str, date]]:
    found = [Quote.from_bytes(record.value) for record in records(kafka, kafka.topics.quotes)]
    return [(quote.symbol, quote.session) for quote in found]


def outcomes(kafka: KafkaSettings) -> list[BackfillEvent]:
    return [BackfillEvent.from_bytes(record.value) for record in records(kafka, kafka.topics.backfills)]


def serve_until(backfills: Backfills, kafka: KafkaSettings, count: int) -> list[str]:
    """Serve until there are so many outcomes; return the symbols that are to be kept up to date."""
    kept: list[str] = []
    deadline = time.monotonic() + WAIT_S
    while len(outcomes(kafka)) < count:
        assert time.monotonic() < deadline
        kept += backfills.serve(0.5)
    return kept


def test_a_symbol_that_is_asked_for_is_published_and_told_of(kafka: KafkaSettings, write_csv: CsvWriter) -> None:
    folder = write_csv("AAPL", HEADER, *lines(*OLD))
    (request,) = ask(kafka, "AAPL")

    with started(kafka, folder) as backfills:
        serve_until(backfills, kafka, 1)

    assert quotes(kafka) == [("AAPL", session) for session in OLD]
    (event,) = outcomes(kafka)
    assert (event.request_id, event.symbol, event.outcome) == (request.id, "AAPL", "served")
    assert (event.last_session, event.source) == (OLD[-1], "csv")
    assert event.reason == f"csv has {len(OLD)} sessions of AAPL"


def test_what_was_served_is_not_served_again(kafka: KafkaSettings, write_csv: CsvWriter) -> None:
    folder = write_csv("AAPL", HEADER, *lines(*OLD))
    write_csv("MSFT", HEADER, *lines(*OLD))
    ask(kafka, "AAPL")
    with started(kafka, folder) as backfills:
        serve_until(backfills, kafka, 1)

    ask(kafka, "MSFT")
    with started(kafka, folder) as backfills:
        serve_until(backfills, kafka, 2)

    assert [event.symbol for event in outcomes(kafka)] == ["AAPL", "MSFT"]


def test_a_request_that_comes_again_publishes_nothing_twice(kafka: KafkaSettings, write_csv: CsvWriter) -> None:
    folder = write_csv("AAPL", HEADER, *lines(*OLD))
    ask(kafka, "AAPL", "AAPL")
    with started(kafka, folder) as backfills:
        serve_until(backfills, kafka, 2)
    ask(kafka, "AAPL")
    with started(kafka, folder) as backfills:
        serve_until(backfills, kafka, 3)
        ask(kafka, "AAPL")
        serve_until(backfills, kafka, 4)

    assert quotes(kafka) == [("AAPL", session) for session in OLD]
    assert [event.outcome for event in outcomes(kafka)] == ["served"] * 4


def test_what_the_source_does_not_know_is_told_with_the_reason(kafka: KafkaSettings, write_csv: CsvWriter) -> None:
    folder = write_csv("AAPL", HEADER, *lines(*OLD))
    write_csv("EMPTY", HEADER)
    write_csv("BROKEN", "no header at all")
    ask(kafka, "GONE", "EMPTY", "BROKEN", "AAPL")

    with started(kafka, folder) as backfills:
        serve_until(backfills, kafka, 4)

    found = {event.symbol: event for event in outcomes(kafka)}
    assert {symbol: event.outcome for symbol, event in found.items()} == {
        "GONE": "unknown",
        "EMPTY": "unknown",
        "BROKEN": "failed",
        "AAPL": "served",
    }
    assert "holds no file GONE.csv" in found["GONE"].reason
    assert found["EMPTY"].reason == "csv has no settled session of EMPTY"
    assert "BROKEN.csv" in found["BROKEN"].reason


def test_a_source_that_is_away_fails_and_a_later_request_is_served(
    kafka: KafkaSettings, write_csv: CsvWriter, tmp_path: Path
) -> None:
    ask(kafka, "AAPL")
    with started(kafka, tmp_path / "quotes") as backfills:
        serve_until(backfills, kafka, 1)
        write_csv("AAPL", HEADER, *lines(*OLD))
        ask(kafka, "AAPL")
        serve_until(backfills, kafka, 2)

    assert [event.outcome for event in outcomes(kafka)] == ["failed", "served"]


def test_a_bad_record_is_set_aside_and_the_next_request_served(kafka: KafkaSettings, write_csv: CsvWriter) -> None:
    folder = write_csv("AAPL", HEADER, *lines(*OLD))
    garbage = [b"{", b"\xff", b'{"symbol": "../../etc"}']
    send_bytes(kafka, *garbage)
    ask(kafka, "AAPL")

    with started(kafka, folder) as backfills:
        serve_until(backfills, kafka, 1)

    letters = records(kafka, kafka.topics.backfill_requests.dead_letters)
    assert [letter.value for letter in letters] == garbage
    headers = dict(letters[2].headers)
    assert headers["source-topic"].decode() == kafka.topics.backfill_requests.name
    assert (headers["offset"], headers["error"][:7]) == (b"2", b"symbol:")


def test_it_stops_rather_than_set_everything_aside(kafka: KafkaSettings, write_csv: CsvWriter) -> None:
    folder = write_csv("AAPL", HEADER, *lines(*OLD))
    send_bytes(kafka, *[b"{"] * 101)

    def serve(backfills: Backfills) -> None:
        deadline = time.monotonic() + WAIT_S
        while time.monotonic() < deadline:
            backfills.serve(0.5)

    with started(kafka, folder) as backfills, pytest.raises(TooManyInvalidRecordsError, match="max_consecutive"):
        serve(backfills)


def test_an_older_instance_leaves_the_request_to_the_newer(kafka: KafkaSettings, write_csv: CsvWriter) -> None:
    folder = write_csv("AAPL", HEADER, *lines(*OLD))
    write_csv("MSFT", HEADER, *lines(*OLD))
    ask(kafka, "MSFT")
    with started(kafka, folder) as older:
        serve_until(older, kafka, 1)
        with Publication(kafka, f"{kafka.topic_prefix}test", (), datetime.now(UTC), batch_size=10):
            ask(kafka, "AAPL")
            with pytest.raises(FencedError):
                serve_until(older, kafka, 2)

    with started(kafka, folder) as newer:
        serve_until(newer, kafka, 2)
    assert sorted(quotes(kafka)) == sorted([(symbol, session) for symbol in ("AAPL", "MSFT") for session in OLD])


def test_who_has_served_a_symbol_keeps_it_up_to_date(kafka: KafkaSettings, write_csv: CsvWriter) -> None:
    folder = write_csv("AAPL", HEADER, *lines(*recent(3)))
    write_csv("OLD", HEADER, *lines(*OLD))
    ask(kafka, "AAPL", "OLD", "GONE")

    with started(kafka, folder) as backfills:
        assert serve_until(backfills, kafka, 3) == ["AAPL"]
        assert backfills.served_before() == ["AAPL"]
    with started(kafka, folder, identity="another") as backfills:
        assert backfills.served_before() == []
