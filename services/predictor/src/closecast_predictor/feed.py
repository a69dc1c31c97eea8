"""What the predictor reads from Kafka: quotes, requests and their outcomes, and its own forecasts."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from typing import Any, Final

from kafka import TopicPartition

from closecast.events import Event, InvalidEventError, Quote
from closecast.kafka import (
    KafkaSettings,
    begins_of,
    ensure_topics,
    new_consumer,
    offsets_of_latest,
    offsets_since,
    partitions_of,
    read_to_end,
)
from closecast.telemetry.logs import get_logger
from closecast.topics import Topic
from closecast_predictor import metrics

_DAYS_A_SESSION: Final = 1.5
"""Calendar days that a session takes, holidays included, with some to spare."""

_log = get_logger(__name__)


class Feed:
    """Reads the topics outside of any consumer group; a record that no one can read is counted and skipped.

    Args:
        settings: How to reach Kafka.
        sessions: Sessions of each symbol that are wanted.
        forecasts_since: When the oldest forecasts were made that are wanted.

    Raises:
        BrokerUnavailableError: If no broker answers.
        MissingTopicError: If a topic is missing that the predictor may not create.
    """

    def __init__(self, settings: KafkaSettings, sessions: int, forecasts_since: datetime) -> None:
        self._settings = settings
        self._forecasts_since = forecasts_since
        self._lag: dict[str, int] = {}
        topics = settings.topics
        read = (
            topics.quotes,
            topics.models,
            topics.training_requests,
            topics.forecasts,
            topics.backfill_requests,
            topics.backfills,
        )
        ensure_topics(settings, read)
        self._events: dict[str, type[Event]] = {topic.name: topic.event for topic in read if topic.event is not None}
        for name in self._events:
            metrics.INVALID_RECORDS.labels(name)  # Prometheus sees no increase of a series that was not there before
        self._span = timedelta(days=sessions * _DAYS_A_SESSION)
        self._consumer = new_consumer(settings, "closecast-predictor", max_poll_records=2000)

    def backlog(self) -> Iterator[Event]:
        """Yield what is on the topics already, forecasts first; `poll` goes on where this ends."""
        topics = self._settings.topics
        forecasts = self._partitions(topics.forecasts)
        yield from self._read(offsets_since(self._consumer, forecasts, self._forecasts_since))
        start = offsets_of_latest(self._consumer, self._partitions(topics.quotes), self._span, _session_of)
        for topic in (topics.models, topics.training_requests, topics.backfill_requests, topics.backfills):
            start |= begins_of(self._consumer, self._partitions(topic))
        yield from self._read(start)

    def poll(self, timeout_s: float) -> list[Event]:
        """Return what has arrived, waiting for it up to `timeout_s`."""
        arrived = self._consumer.poll(timeout_ms=int(timeout_s * 1000))
        self._measure_lag()
        return [
            event
            for records in arrived.values()
            for record in records
            if (event := self._decode(record.topic, record.partition, record.offset, record.value)) is not None
        ]

    @property
    def lag(self) -> dict[str, int]:
        """Records of each topic that had not been read when `poll` last returned; any thread may ask."""
        return dict(self._lag)

    def close(self) -> None:
        """Let go of the connections."""
        self._consumer.close(autocommit=False)

    def _measure_lag(self) -> None:
        lag: Counter[str] = Counter()
        for partition in self._consumer.assignment():
            end = self._consumer.highwater(partition)
            lag[partition.topic] += 0 if end is None else max(0, end - self._consumer.position(partition))
        for topic, records in lag.items():
            metrics.LAG.labels(topic).set(records)
        self._lag = dict(lag)

    def _partitions(self, topic: Topic) -> list[TopicPartition]:
        return partitions_of(self._consumer, topic)

    def _read(self, start: dict[TopicPartition, int]) -> Iterator[Event]:
        for record in read_to_end(self._consumer, start):
            event = self._decode(record.topic, record.partition, record.offset, record.value)
            if event is not None:
                yield event

    def _decode(self, topic: str, partition: int, offset: int, value: bytes | None) -> Event | None:
        try:
            return self._events[topic].from_bytes(value)
        except InvalidEventError as error:
            # The trainer or the ingestor keeps the bytes in the dead letters; a second copy of each would help nobody.
            metrics.INVALID_RECORDS.labels(topic).inc()
            _log.warning("record skipped", topic=topic, partition=partition, offset=offset, error=str(error))
            return None


def _session_of(record: Any) -> datetime | None:  # noqa: ANN401 - kafka-python's
    """Return the day that a record is about, None for one that is no quote."""
    try:
        session = Quote.from_bytes(record.value).session
    except InvalidEventError:
        return None
    return datetime.combine(session, time(), UTC)
