"""Against a real Apache Kafka: finding offsets by the time that records carry."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta
from time import monotonic, sleep
from typing import Any

import pytest

from closecast.calendars import calendar_of
from closecast.events import Quote
from closecast.kafka import (
    KafkaSettings,
    Publisher,
    TransactionalPublisher,
    ensure_topics,
    new_consumer,
    new_producer,
    offsets_of_latest,
    offsets_since,
    partitions_of,
    read_to_end,
)

GARBAGE = b"no quote"
SESSIONS = calendar_of("BVMF").sessions(date(2012, 11, 1), date(2013, 1, 1))


def publish(publisher: Publisher, settings: KafkaSettings, sessions: Sequence[date]) -> None:
    quote = Quote.model_validate(Quote.example)
    for session in sessions:
        for symbol in ("PETR4.SA", "VALE3.SA"):
            publisher.send(settings.topics.quotes, quote.model_copy(update={"symbol": symbol, "session": session}))


@pytest.fixture
def plain(kafka_settings: KafkaSettings) -> KafkaSettings:
    """Old sessions of two symbols, published without transactions."""
    ensure_topics(kafka_settings, kafka_settings.topics)
    publisher = Publisher(kafka_settings, "test")
    publish(publisher, kafka_settings, SESSIONS)
    publisher.flush()
    publisher.close()
    return kafka_settings


@pytest.fixture
def transactional(kafka_settings: KafkaSettings) -> KafkaSettings:
    """Old sessions in several transactions, whose commit markers carry the time of today."""
    ensure_topics(kafka_settings, kafka_settings.topics)
    publisher = TransactionalPublisher(kafka_settings, "test", f"{kafka_settings.topic_prefix}ingestor")
    for first in range(0, len(SESSIONS), 10):
        with publisher.transaction():
            publish(publisher, kafka_settings, SESSIONS[first : first + 10])
    publisher.close()
    return kafka_settings


def session_of(record: Any) -> datetime | None:
    if record.value == GARBAGE:
        return None
    return datetime.combine(Quote.from_bytes(record.value).session, time(), UTC)


def sessions_from(settings: KafkaSettings, since: timedelta | date) -> list[date]:
    consumer = new_consumer(settings, "test-reader")
    partitions = partitions_of(consumer, settings.topics.quotes)
    if isinstance(since, timedelta):
        start = offsets_of_latest(consumer, partitions, since, session_of)
    else:
        start = offsets_since(consumer, partitions, calendar_of("BVMF").closes_at(since))
    values = [record.value for record in read_to_end(consumer, start)]
    found = [Quote.from_bytes(value) for value in values if value != GARBAGE]
    consumer.close()
    return sorted(quote.session for quote in found if quote.symbol == "PETR4.SA")


def test_the_latest_span_is_found_in_old_records(plain: KafkaSettings) -> None:
    span = timedelta(days=14)
    assert sessions_from(plain, span) == [day for day in SESSIONS if day >= SESSIONS[-1] - span]


def test_records_of_today_that_do_not_count_hide_no_old_ones(plain: KafkaSettings) -> None:
    producer = new_producer(plain, "test")
    for partition in range(plain.partitions):
        producer.send(plain.topics.quotes.name, key=b"key", value=GARBAGE, partition=partition)
    producer.close()
    span = timedelta(days=14)
    assert sessions_from(plain, span) == [day for day in SESSIONS if day >= SESSIONS[-1] - span]


def test_a_long_span_begins_at_the_first_record(plain: KafkaSettings) -> None:
    assert sessions_from(plain, timedelta(days=3650)) == list(SESSIONS)


def test_records_since_a_time(plain: KafkaSettings) -> None:
    assert sessions_from(plain, SESSIONS[-5]) == list(SESSIONS[-5:])


def test_a_time_after_all_records_misses_none_either(plain: KafkaSettings) -> None:
    assert sessions_from(plain, date(2025, 6, 16)) == list(SESSIONS)


def test_commit_markers_make_reading_begin_earlier_but_never_later(transactional: KafkaSettings) -> None:
    assert sessions_from(transactional, timedelta(days=3650)) == list(SESSIONS)
    for found in (sessions_from(transactional, timedelta(days=5)), sessions_from(transactional, SESSIONS[-5])):
        assert found == list(SESSIONS[-len(found) :])
        assert len(found) >= 4


@pytest.mark.slow
def test_a_batch_that_compaction_has_emptied_hides_no_record_behind_it(kafka_settings: KafkaSettings) -> None:
    ensure_topics(kafka_settings, kafka_settings.topics)
    killed = TransactionalPublisher(kafka_settings, "test", f"{kafka_settings.topic_prefix}killed")
    with suppress(InterruptedError), killed.transaction():
        publish(killed, kafka_settings, SESSIONS[:1])
        killed.flush()
        raise InterruptedError
    killed.close()
    publisher = TransactionalPublisher(kafka_settings, "test", f"{kafka_settings.topic_prefix}ingestor")
    with publisher.transaction():
        publish(publisher, kafka_settings, SESSIONS)
    publisher.close()

    wait_for_compaction(kafka_settings, SESSIONS[0])

    assert sessions_from(kafka_settings, SESSIONS[0]) == list(SESSIONS)


def wait_for_compaction(settings: KafkaSettings, since: date) -> None:
    """Wait until the brokers find no record of the quotes by its time any more."""
    consumer = new_consumer(settings, "test-reader")
    partitions = partitions_of(consumer, settings.topics.quotes)
    times = dict.fromkeys(partitions, int(calendar_of("BVMF").closes_at(since).timestamp() * 1000))
    deadline = monotonic() + 90
    while any(consumer.offsets_for_times(times).values()):
        assert monotonic() < deadline, "the brokers' cleaner has emptied no batch"
        sleep(0.5)
    consumer.close()


def test_an_empty_topic_is_read_to_its_end_at_once(kafka_settings: KafkaSettings) -> None:
    ensure_topics(kafka_settings, kafka_settings.topics)
    assert sessions_from(kafka_settings, timedelta(days=1)) == []


def test_a_topic_that_is_missing_is_named(kafka_settings: KafkaSettings) -> None:
    consumer = new_consumer(kafka_settings, "test-reader")
    with pytest.raises(LookupError, match="quotes does not exist"):
        partitions_of(consumer, kafka_settings.topics.quotes)
    consumer.close()
