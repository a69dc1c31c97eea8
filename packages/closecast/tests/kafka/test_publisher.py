"""Against a real Apache Kafka: what is sent arrives once, whole transactions or nothing."""

from collections.abc import Iterator
from typing import Any

import pytest

from closecast.events import DeadLetter, Quote
from closecast.kafka import (
    FencedError,
    KafkaSettings,
    Publisher,
    TransactionalPublisher,
    ensure_topics,
    new_consumer,
    partitions_of,
    read_to_end,
)
from closecast.topics import Topic

QUOTE = Quote.model_validate(Quote.example)


@pytest.fixture
def settings(kafka_settings: KafkaSettings) -> KafkaSettings:
    ensure_topics(kafka_settings, kafka_settings.topics)
    return kafka_settings


@pytest.fixture
def publisher(settings: KafkaSettings) -> Iterator[TransactionalPublisher]:
    made = TransactionalPublisher(settings, "test", f"{settings.topic_prefix}ingestor")
    yield made
    made.close()


def committed(settings: KafkaSettings, topic: Topic) -> list[Any]:
    consumer = new_consumer(settings, "test-reader")
    try:
        return list(read_to_end(consumer, dict.fromkeys(partitions_of(consumer, topic), 0)))
    finally:
        consumer.close()


def test_a_transaction_carries_quotes_and_dead_letters(
    settings: KafkaSettings, publisher: TransactionalPublisher
) -> None:
    topic = settings.topics.quotes
    with publisher.transaction():
        publisher.send(topic, QUOTE)
        publisher.dead_letter(topic, DeadLetter(b"X|2025-06-19", b"a,b", "close: 0", "X.csv", offset=7))
    (record,) = committed(settings, topic)
    assert Quote.from_bytes(record.value) == QUOTE
    assert record.key == QUOTE.key()
    assert record.timestamp == int(QUOTE.timestamp().timestamp() * 1000)
    (letter,) = committed(settings, topic.dead_letters)
    assert letter.value == b"a,b"
    headers = dict(letter.headers)
    assert headers["error"] == b"close: 0"
    assert headers["source-topic"] == b"X.csv"
    assert headers["offset"] == b"7"


def test_a_block_that_raises_leaves_nothing_and_the_next_one_works(
    settings: KafkaSettings, publisher: TransactionalPublisher
) -> None:
    with pytest.raises(RuntimeError, match="power cut"), publisher.transaction():  # noqa: PT012
        publisher.send(settings.topics.quotes, QUOTE)
        publisher.flush()
        raise RuntimeError("power cut")
    assert committed(settings, settings.topics.quotes) == []
    with publisher.transaction():
        publisher.send(settings.topics.quotes, QUOTE)
    assert len(committed(settings, settings.topics.quotes)) == 1


def test_a_newer_publisher_fences_the_older(settings: KafkaSettings, publisher: TransactionalPublisher) -> None:
    newer = TransactionalPublisher(settings, "test", f"{settings.topic_prefix}ingestor")
    with pytest.raises(FencedError, match="newer instance"), publisher.transaction():
        publisher.send(settings.topics.quotes, QUOTE)
    with newer.transaction():
        newer.send(settings.topics.quotes, QUOTE.model_copy(update={"revision": 1}))
    newer.close()
    (record,) = committed(settings, settings.topics.quotes)
    assert Quote.from_bytes(record.value).revision == 1


def test_a_fenced_publisher_says_so_however_often_it_is_used(
    settings: KafkaSettings, publisher: TransactionalPublisher
) -> None:
    """After the first error kafka-python raises a plain KafkaError that only names the fencing in its text."""
    TransactionalPublisher(settings, "test", f"{settings.topic_prefix}ingestor").close()
    for _ in range(3):
        with pytest.raises(FencedError), publisher.transaction():
            publisher.send(settings.topics.quotes, QUOTE)


def test_all_sessions_of_a_symbol_share_a_partition(settings: KafkaSettings) -> None:
    publisher = Publisher(settings, "test")
    for symbol in ("PETR4.SA", "VALE3.SA", "ABEV3.SA", "ITSA4.SA"):
        for day in (10, 11, 12):
            session = QUOTE.session.replace(day=day)
            publisher.send(settings.topics.quotes, QUOTE.model_copy(update={"symbol": symbol, "session": session}))
    publisher.flush()
    publisher.close()
    partitions: dict[bytes, set[int]] = {}
    for record in committed(settings, settings.topics.quotes):
        partitions.setdefault(record.key.partition(b"|")[0], set()).add(record.partition)
    assert len(partitions) == 4
    assert all(len(found) == 1 for found in partitions.values())
    assert len(set.union(*partitions.values())) > 1
