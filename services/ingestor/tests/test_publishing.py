"""What reaches a real Kafka: each quote once, corrections as revisions, bad rows once."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from closecast.calendars import calendar_of
from closecast.events import Quote
from closecast.kafka import (
    FencedError,
    KafkaSettings,
    TransactionalPublisher,
    ensure_topics,
    new_consumer,
    new_producer,
)
from closecast.kafka.reader import partitions_of, read_to_end
from closecast.topics import Topic
from closecast_ingestor import metrics
from closecast_ingestor.publishing import Publication
from closecast_ingestor.settled import Prepared
from closecast_ingestor.sources.base import Reject

pytestmark = pytest.mark.kafka

SESSIONS = calendar_of("XNYS").sessions(date(2024, 1, 1), date(2024, 12, 31))
SINCE = datetime(2023, 12, 31, tzinfo=UTC)


def quote(index: int = 0, close: float = 10.0, symbol: str = "AAPL") -> Quote:
    return Quote(
        symbol=symbol, session=SESSIONS[index], exchange="XNYS", open=close, high=close, low=close, close=close,
        adjusted_close=close, volume=7, currency="USD", source="test", as_of=datetime.now(UTC),
    )  # fmt: skip


def prepared(*quotes: Quote, rejects: tuple[Reject, ...] = ()) -> Prepared:
    return Prepared("AAPL", quotes=list(quotes), rejects=list(rejects))


def reject(reason: str = "close: nan is no price", line: int = 2) -> Reject:
    return Reject("AAPL", SESSIONS[3], b"2024-01-05,,,", reason, "csv:AAPL.csv", line)


def publication(settings: KafkaSettings, since: datetime = SINCE, batch_size: int = 100) -> Publication:
    return Publication(settings, f"{settings.topic_prefix}ingestor", ["AAPL", "MSFT"], since, batch_size)


def publish(settings: KafkaSettings, *given: Prepared) -> dict[str, int]:
    with publication(settings) as open_publication:
        for each in given:
            open_publication.add(each)
        open_publication.flush()
        return {name: count for name, count in open_publication.counts.items() if count}


def records(settings: KafkaSettings, topic: Topic) -> list[Any]:
    consumer = new_consumer(settings, "test-reader")
    try:
        return list(read_to_end(consumer, dict.fromkeys(partitions_of(consumer, topic), 0)))
    finally:
        consumer.close()


def quotes(settings: KafkaSettings) -> list[Quote]:
    return [Quote.from_bytes(record.value) for record in records(settings, settings.topics.quotes)]


def test_a_second_start_publishes_nothing_twice(kafka_settings: KafkaSettings) -> None:
    given = prepared(quote(0), quote(1), rejects=(reject(),))
    assert publish(kafka_settings, given) == {"new": 2, "dead-letters": 1}
    assert publish(kafka_settings, given) == {"unchanged": 2, "known-bad": 1}
    assert len(quotes(kafka_settings)) == 2
    assert len(records(kafka_settings, kafka_settings.topics.quotes.dead_letters)) == 1


def test_prometheus_hears_of_the_last_session_that_kafka_holds(
    kafka_settings: KafkaSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def last() -> float | None:
        samples = (sample for metric in metrics.LAST_SESSION.collect() for sample in metric.samples)
        return next((sample.value for sample in samples if sample.labels["exchange"] == "XNYS"), None)

    expected = calendar_of("XNYS").closes_at(SESSIONS[1]).timestamp()
    for given in (prepared(quote(0), quote(1)), prepared(quote(0), quote(1))):
        metrics.LAST_SESSION.clear()  # as after a start
        monkeypatch.setattr(metrics, "_last_sessions", {})
        publish(kafka_settings, given)
        assert last() == expected
    publish(kafka_settings, prepared(quote(0, 10.01)))
    assert last() == expected, "a correction of an earlier session is no step back"


def test_a_corrected_price_is_the_next_revision(kafka_settings: KafkaSettings) -> None:
    publish(kafka_settings, prepared(quote(0, 10.0), quote(1, 11.0)))
    assert publish(kafka_settings, prepared(quote(0, 10.01), quote(1, 11.0))) == {"correction": 1, "unchanged": 1}
    assert publish(kafka_settings, prepared(quote(0, 10.02))) == {"correction": 1}
    found = [(each.session, each.revision, each.close) for each in quotes(kafka_settings)]
    first, second = SESSIONS[:2]
    assert sorted(found) == [(first, 0, 10.0), (first, 1, 10.01), (first, 2, 10.02), (second, 0, 11.0)]


def test_a_correction_inside_one_run_is_seen_too(kafka_settings: KafkaSettings) -> None:
    with publication(kafka_settings) as open_publication:
        for close in (10.0, 10.5):
            open_publication.add(prepared(quote(0, close)))
            open_publication.flush()
    assert [(each.revision, each.close) for each in quotes(kafka_settings)] == [(0, 10.0), (1, 10.5)]


def test_the_rounding_of_32_bits_is_no_correction(kafka_settings: KafkaSettings) -> None:
    publish(kafka_settings, prepared(quote(0, 182.63)))
    assert publish(kafka_settings, prepared(quote(0, 182.63001))) == {"unchanged": 1}


def test_records_carry_the_close_of_their_session_and_stay_with_their_symbol(kafka_settings: KafkaSettings) -> None:
    publish(kafka_settings, prepared(*(quote(index) for index in range(20))))
    found = records(kafka_settings, kafka_settings.topics.quotes)
    assert len({record.partition for record in found}) == 1
    assert [record.key.decode() for record in found] == [f"AAPL|{session}" for session in SESSIONS[:20]]
    assert [record.timestamp / 1000 for record in found] == [
        calendar_of("XNYS").closes_at(session).timestamp() for session in SESSIONS[:20]
    ]


def test_a_dead_letter_holds_the_bytes_and_says_why(kafka_settings: KafkaSettings) -> None:
    publish(kafka_settings, prepared(rejects=(reject(),)))
    (record,) = records(kafka_settings, kafka_settings.topics.quotes.dead_letters)
    headers = dict(record.headers)
    assert (record.key, record.value) == (f"AAPL|{SESSIONS[3]}".encode(), b"2024-01-05,,,")
    assert headers["error"] == b"close: nan is no price"
    assert (headers["source-topic"], headers["offset"]) == (b"csv:AAPL.csv", b"2")


def test_another_fault_of_the_same_row_is_told_again(kafka_settings: KafkaSettings) -> None:
    publish(kafka_settings, prepared(rejects=(reject(),)))
    assert publish(kafka_settings, prepared(rejects=(reject("open: nan is no price"),))) == {"dead-letters": 1}


def test_only_the_range_that_is_needed_is_read(kafka_settings: KafkaSettings) -> None:
    """Sessions before `since` may be read, but no session after it may be missed, in whatever order they came."""
    publish(kafka_settings, prepared(*(quote(index) for index in (200, 0, 100, 201, 1, 101))))
    since = calendar_of("XNYS").closes_at(SESSIONS[100]) - timedelta(hours=1)
    with publication(kafka_settings, since) as open_publication:
        assert not any(open_publication.add_quote(quote(index)) for index in (100, 101, 200, 201))


def test_a_newer_instance_fences_the_older(kafka_settings: KafkaSettings) -> None:
    with publication(kafka_settings) as older:
        older.add(prepared(quote(0)))
        with publication(kafka_settings) as newer:
            with pytest.raises(FencedError):
                older.flush()
            newer.add(prepared(quote(0), quote(1)))
            newer.flush()
    assert len(quotes(kafka_settings)) == 2


def test_what_an_older_instance_left_open_is_not_taken_for_published(kafka_settings: KafkaSettings) -> None:
    ensure_topics(kafka_settings, kafka_settings.topics)
    crashed = TransactionalPublisher(kafka_settings, "test", f"{kafka_settings.topic_prefix}ingestor")
    crashed._producer.begin_transaction()
    crashed.send(kafka_settings.topics.quotes, quote(0))
    crashed._producer.flush()

    assert publish(kafka_settings, prepared(quote(0))) == {"new": 1}
    assert len(quotes(kafka_settings)) == 1
    crashed._producer.close(timeout=1)


def test_a_foreign_record_on_the_topic_does_no_harm(kafka_settings: KafkaSettings) -> None:
    ensure_topics(kafka_settings, kafka_settings.topics)
    producer = new_producer(kafka_settings, "test")
    for key in (b"AAPL|2024-01-02", None):
        producer.send(kafka_settings.topics.quotes.name, key=key, value=b"{not json")
    producer.close()
    assert publish(kafka_settings, prepared(quote(0))) == {"new": 1}


def test_a_batch_is_committed_when_it_is_full(kafka_settings: KafkaSettings) -> None:
    with publication(kafka_settings, batch_size=3) as open_publication:
        open_publication.add(prepared(*(quote(index) for index in range(7))))
        assert len(quotes(kafka_settings)) == 6
