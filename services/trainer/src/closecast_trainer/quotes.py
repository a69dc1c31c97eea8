"""Quotes from Kafka into the history, from the offsets that the history itself holds."""

import time
from collections.abc import Mapping
from typing import Final

from kafka import KafkaAdminClient, TopicPartition
from kafka.consumer.fetcher import ConsumerRecord

from closecast.events import DeadLetter, InvalidEventError, Quote
from closecast.kafka import (
    InvalidRecordLimits,
    InvalidRecordPolicy,
    KafkaSettings,
    TransactionalPublisher,
    ends_of,
    new_consumer,
    partitions_of,
)
from closecast.telemetry.logs import get_logger
from closecast_trainer.history import History
from closecast_trainer.metrics import TrainerMetrics

_BATCH: Final = 4000
_PARTITIONS_CHECK_S: Final = 60.0
_log = get_logger(__name__)


class QuoteFeed:
    """Reads every partition of the quotes topic, outside of the group's assignment.

    Args:
        kafka: How to reach Kafka.
        client_id: Name in the brokers' logs.
        history: Where quotes and offsets go.
        publisher: Where dead letters go.
        limits: When too many bad records stop the reading.
        metrics: What is counted.
    """

    def __init__(
        self,
        kafka: KafkaSettings,
        *,
        client_id: str,
        history: History,
        publisher: TransactionalPublisher,
        limits: InvalidRecordLimits,
        metrics: TrainerMetrics,
    ) -> None:
        self._topic = kafka.topics.quotes
        self._topic_id = _topic_id(kafka, self._topic.name)
        self._history = history
        self._publisher = publisher
        self._invalid_records = InvalidRecordPolicy(limits)
        self._metrics = metrics
        self._metrics.dead_letters.labels(self._topic.name)
        self._consumer = new_consumer(kafka, client_id, max_poll_records=_BATCH)
        self._assigned: list[TopicPartition] = []
        self._stored: dict[int, int] = {}
        self._partitions_checked = 0.0
        self.last_arrival = time.monotonic()
        self._follow_partitions()

    def poll(self, timeout_s: float) -> dict[int, int]:
        """Store what has arrived, waiting for it up to `timeout_s`; return the next offsets of its partitions.

        Raises:
            TooManyInvalidRecordsError: If too large a share of the quotes is bad; nothing of the batch is stored.
            FencedError: If another trainer has taken over.
        """
        self._follow_partitions()
        arrived = self._consumer.poll(timeout_ms=int(timeout_s * 1000))
        self._metrics.lag.set(sum(map(self._behind, self._assigned)))
        offsets = self._moved()
        if not offsets:
            return {}
        self.last_arrival = time.monotonic()
        quotes: list[Quote] = []
        refused: list[DeadLetter] = []
        for record in (record for records in arrived.values() for record in records):
            self._sort(record, quotes, refused)
        if refused:
            with self._publisher.transaction():
                for letter in refused:
                    self._publisher.dead_letter(self._topic, letter)
        self._history.store(quotes, self._topic_id, offsets)
        self._stored |= offsets
        self._metrics.quotes.inc(len(quotes))
        self._metrics.dead_letters.labels(self._topic.name).inc(len(refused))
        _log.debug("quotes stored", quotes=len(quotes), dead_letters=len(refused))
        return offsets

    @property
    def offsets(self) -> dict[int, int]:
        """The next offset of each partition that anything was stored of."""
        return dict(self._stored)

    def ends(self) -> dict[TopicPartition, int]:
        """Return where each partition ends now; asks the brokers."""
        return dict(ends_of(self._consumer, self._assigned))

    def has_reached(self, ends: Mapping[TopicPartition, int]) -> bool:
        """Tell whether all that lies before these offsets is stored."""
        return all(self._consumer.position(partition) >= end for partition, end in ends.items())

    def lag(self) -> int:
        """Return how many records of the topic are not stored yet; asks the brokers."""
        lag: int = sum(end - self._consumer.position(partition) for partition, end in self.ends().items())
        self._metrics.lag.set(lag)
        return lag

    def close(self) -> None:
        """Let go of the connections."""
        self._consumer.close(autocommit=False)

    def _sort(self, record: ConsumerRecord, quotes: list[Quote], refused: list[DeadLetter]) -> None:
        try:
            quotes.append(Quote.from_bytes(record.value))
        except InvalidEventError as error:
            letter = dead_letter_of(record, error)
            _log.warning("quote refused", partition=record.partition, offset=record.offset, error=letter.error)
            refused.append(letter)
            self._invalid_records.invalid(letter.error)
        else:
            self._invalid_records.valid()

    def _follow_partitions(self) -> None:
        """Read all partitions that the topic has, also those that are added while this runs."""
        if self._assigned and time.monotonic() < self._partitions_checked + _PARTITIONS_CHECK_S:
            return
        self._partitions_checked = time.monotonic()
        partitions = partitions_of(self._consumer, self._topic)
        if partitions == self._assigned:
            return
        self._stored = self._history.offsets(self._topic_id)
        self._consumer.assign(partitions)
        self._assigned = partitions
        for partition in partitions:
            if partition.partition in self._stored:
                self._consumer.seek(partition, self._stored[partition.partition])
            else:
                self._consumer.seek_to_beginning(partition)

    def _behind(self, partition: TopicPartition) -> int:
        """Return how many records of a partition are still to be read, as of the last answer of the brokers."""
        end: int | None = self._consumer.highwater(partition)
        return 0 if end is None else max(0, end - int(self._consumer.position(partition)))

    def _moved(self) -> dict[int, int]:
        """Return the next offsets of the partitions that reading has moved on, past commit markers too."""
        positions = {partition.partition: self._consumer.position(partition) for partition in self._assigned}
        return {number: offset for number, offset in positions.items() if offset != self._stored.get(number)}


def dead_letter_of(record: ConsumerRecord, error: Exception) -> DeadLetter:
    """Return the dead letter of a record that was read from Kafka."""
    return DeadLetter(
        key=record.key,
        value=record.value,
        error=str(error),
        source_topic=record.topic,
        partition=record.partition,
        offset=record.offset,
    )


def _topic_id(kafka: KafkaSettings, topic: str) -> str:
    """Return what tells a topic from one of the same name that was deleted before it."""
    admin = KafkaAdminClient(**kafka.client_options(), client_id="closecast-trainer-admin")
    try:
        (description,) = admin.describe_topics([topic])
    finally:
        admin.close()
    return f"{topic}/{description.get('topic_id')}"
