"""The training requests, one at a time, and the leadership that reading them gives."""

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from kafka import ConsumerRebalanceListener, TopicPartition
from kafka.consumer.fetcher import ConsumerRecord
from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor
from kafka.errors import KafkaError
from kafka.structs import OffsetAndMetadata

from closecast.kafka import KafkaSettings, ends_of, new_consumer
from closecast.telemetry.logs import get_logger

_HEARTBEATS_PER_SESSION: Final = 4
_log = get_logger(__name__)


class RequestQueue:
    """A member of the trainers' group; whoever holds the one partition of training requests is the active trainer.

    The assignor is cooperative and sticky: a trainer that joins takes nothing from the one that is active.

    Args:
        kafka: How to reach Kafka.
        group_id: The consumer group.
        session_timeout_s: After how long a silent member is taken for dead.
        max_poll_interval_s: After how long without a poll a member is taken for stuck.
        on_lost: Called, inside `poll` or `close`, when the partition goes to another member; whatever the active
            trainer does must have ended when it returns.
    """

    def __init__(
        self,
        kafka: KafkaSettings,
        group_id: str,
        *,
        session_timeout_s: float,
        max_poll_interval_s: float,
        on_lost: Callable[[], None],
    ) -> None:
        self._on_lost = on_lost
        self._held: TopicPartition | None = None
        self._in_hand: ConsumerRecord | None = None
        self._committed: dict[TopicPartition, int] = {}
        self._uncommitted: dict[TopicPartition, int] = {}
        self._consumer = new_consumer(
            kafka,
            f"{group_id}-requests",
            group_id=group_id,
            max_poll_records=1,
            session_timeout_ms=int(session_timeout_s * 1000),
            heartbeat_interval_ms=int(session_timeout_s * 1000 / _HEARTBEATS_PER_SESSION),
            max_poll_interval_ms=int(max_poll_interval_s * 1000),
            partition_assignment_strategy=[CooperativeStickyAssignor],
        )
        self._consumer.subscribe([kafka.topics.training_requests.name], listener=_Listener(self))

    @property
    def is_active(self) -> bool:
        """Whether this member is the active trainer, as far as it knows."""
        return self._held is not None

    @property
    def in_hand(self) -> ConsumerRecord | None:
        """The record that is to be worked on, or None; no other comes before `done` or `put_back`."""
        return self._in_hand

    def poll(self, timeout_s: float = 0.0) -> None:
        """Stay in the group, and take the next record in hand if none is; may make this member active or end it."""
        arrived = self._consumer.poll(timeout_ms=int(timeout_s * 1000))
        if self._held is None:
            return
        for record in arrived.get(self._held, ()):
            self._in_hand = record
            self._consumer.pause(self._held)
        self._commit()

    def done(self) -> None:
        """Commit the offset after the record in hand, whose effect is complete, and go on with the next."""
        record, self._in_hand = self._in_hand, None
        if record is None or self._held is None:
            return
        self._commit()
        self._consumer.resume(self._held)

    def put_back(self) -> None:
        """Let the record in hand come again: its effect could not be completed."""
        record, self._in_hand = self._in_hand, None
        if record is not None and self._held is not None:
            self._consumer.seek(self._held, record.offset)
            self._consumer.resume(self._held)

    def commit_quotes(self, topic: str, offsets: Mapping[int, int]) -> None:
        """Commit offsets of quotes to the group, where lag is read; what counts is what the history holds."""
        self._uncommitted |= {TopicPartition(topic, partition): offset for partition, offset in offsets.items()}
        self._commit()

    def is_drained(self) -> bool:
        """Tell whether every request that was published is done."""
        if self._held is None or self._in_hand is not None:
            return False
        end = ends_of(self._consumer, [self._held])[self._held]
        return bool(self._consumer.position(self._held) >= end)

    def close(self) -> None:
        """Leave the group; `on_lost` is called if this member was active."""
        self._consumer.close(autocommit=False)
        self._release()

    def _commit(self) -> None:
        """Commit what has moved; what the brokers do not take now is tried again at the next poll."""
        if self._held is None:
            return
        # All before the record in hand, or all that was read: past the commit markers of transactions too.
        done = self._consumer.position(self._held) if self._in_hand is None else self._in_hand.offset
        if done != self._committed.get(self._held):
            self._uncommitted[self._held] = done
        if not self._uncommitted:
            return
        try:
            self._consumer.commit(
                {partition: OffsetAndMetadata(offset, "", -1) for partition, offset in self._uncommitted.items()}
            )
        except KafkaError as error:
            # The effect is idempotent: a request that comes again is recognized, and quotes go by the history.
            _log.warning("offsets not committed yet", error=repr(error))
        else:
            self._committed |= self._uncommitted
            self._uncommitted.clear()

    def _acquire(self, partitions: Iterable[TopicPartition]) -> None:
        for partition in partitions:
            self._held = partition
            self._in_hand = None
            self._committed.clear()

    def _release(self) -> None:
        if self._held is not None:
            self._held = None
            self._in_hand = None
            self._uncommitted.clear()
            self._on_lost()


class _Listener(ConsumerRebalanceListener):  # type: ignore[misc]
    def __init__(self, queue: RequestQueue) -> None:
        self._queue = queue

    def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        self._queue._acquire(assigned)  # noqa: SLF001 - one class in two parts, as kafka-python wants it

    def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        if list(revoked):
            self._queue._release()  # noqa: SLF001

    def on_partitions_lost(self, lost: Iterable[TopicPartition]) -> None:
        self.on_partitions_revoked(lost)
