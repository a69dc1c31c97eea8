"""Sending events, with or without a transaction."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, Final

from kafka.errors import (
    FencedInstanceIdError,
    InvalidProducerEpochError,
    KafkaError,
    ProducerFencedError,
)
from kafka.partitioner.default import murmur2

from closecast.events import DeadLetter, Event
from closecast.kafka.clients import new_producer
from closecast.kafka.errors import FencedError
from closecast.kafka.settings import KafkaSettings
from closecast.topics import Topic

_FENCING: Final = (ProducerFencedError, InvalidProducerEpochError, FencedInstanceIdError)
_FLUSH_TIMEOUT_S: Final = 60.0
_TRANSACTION_BACKOFF_MS: Final = 20
"""A transaction begun while the last one's markers are being written is told to come back: soon, not in 100 ms."""

_TRANSACTION_BATCH_BYTES: Final = 256 * 1024
"""A transaction goes out as a whole anyway; requests of this size cost a fifth less processor time than of 16 KiB."""


class Publisher:
    """Sends events and dead letters; `flush` returns once the brokers have them all.

    Args:
        settings: How to reach Kafka.
        client_id: Name in the brokers' logs and metrics.
        options: Further options of kafka-python's producer.
    """

    def __init__(self, settings: KafkaSettings, client_id: str, **options: Any) -> None:
        self._producer = new_producer(settings, client_id, **options)
        self._partitions: dict[str, list[int]] = {}
        self._pending: list[Any] = []

    def send(self, topic: Topic, event: Event) -> None:
        """Hand an event to the producer; a failure shows at the next `flush`."""
        timestamp = event.timestamp()
        self._pending.append(
            self._producer.send(
                topic.name,
                value=event.to_bytes(),
                key=event.key(),
                partition=self._partition(topic, event.partition_key()),
                timestamp_ms=None if timestamp is None else int(timestamp.timestamp() * 1000),
            )
        )

    def dead_letter(self, topic: Topic, letter: DeadLetter) -> None:
        """Hand a refused record to the dead letters of the topic that it was on or meant for."""
        letters = topic.dead_letters
        self._pending.append(
            self._producer.send(
                letters.name,
                value=letter.value,
                key=letter.key,
                headers=letter.headers(),
                partition=self._partition(letters, letter.key or b""),
            )
        )

    def flush(self) -> None:
        """Wait until the brokers have everything that was sent.

        Raises:
            KafkaError: If a record could not be delivered.
        """
        self._producer.flush(timeout=_FLUSH_TIMEOUT_S)
        pending, self._pending = self._pending, []
        for future in pending:
            future.get(timeout=0)

    def close(self) -> None:
        """Send what is left and let go of the connections."""
        self._producer.close(timeout=_FLUSH_TIMEOUT_S)

    def _partition(self, topic: Topic, partition_key: bytes) -> int:
        partitions = self._partitions.get(topic.name)
        if partitions is None:
            partitions = self._partitions[topic.name] = sorted(self._producer.partitions_for(topic.name))
        return partitions[_positive_murmur2(partition_key) % len(partitions)]


class TransactionalPublisher(Publisher):
    """Sends batches that readers see whole or not at all.

    Making one ends the transactions of every older publisher with the same id: at most one of them can still commit.

    Args:
        settings: How to reach Kafka.
        client_id: Name in the brokers' logs and metrics.
        transactional_id: Identity that survives restarts.
        timeout_s: How long a transaction may stay open before the brokers abort it.

    Raises:
        FencedError: If a newer publisher has taken over while this one began.
        KafkaError: If the brokers refuse the transactional id.
    """

    def __init__(
        self, settings: KafkaSettings, client_id: str, transactional_id: str, *, timeout_s: float = 60.0
    ) -> None:
        super().__init__(
            settings,
            client_id,
            transactional_id=transactional_id,
            transaction_timeout_ms=int(timeout_s * 1000),
            retry_backoff_ms=_TRANSACTION_BACKOFF_MS,
            batch_size=_TRANSACTION_BATCH_BYTES,
        )
        with _telling_of_fencing():
            self._producer.init_transactions()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit what is sent inside the block; abort it if the block raises.

        Raises:
            FencedError: If a newer publisher has taken over the transactional id.
            KafkaError: If the transaction could not be committed.
        """
        with _telling_of_fencing():
            self._producer.begin_transaction()
            try:
                yield
                self.flush()
                self._producer.commit_transaction()
            except BaseException as error:
                self._pending.clear()
                if not _is_fencing(error):
                    self._producer.abort_transaction()
                raise


@contextmanager
def _telling_of_fencing() -> Iterator[None]:
    try:
        yield
    except KafkaError as error:
        if not _is_fencing(error):
            raise
        msg = "a newer instance has taken over; this one stops and leaves the work to it"
        raise FencedError(msg) from error


def _is_fencing(error: BaseException) -> bool:
    """Tell whether a newer instance caused an error; after the first, kafka-python only names the cause in the text."""
    return isinstance(error, KafkaError) and any(
        isinstance(error, kind) or kind.__name__ in str(error) for kind in _FENCING
    )


@lru_cache(maxsize=100_000)
def _positive_murmur2(key: bytes) -> int:
    hashed: int = murmur2(key)
    return hashed & 0x7FFFFFFF
