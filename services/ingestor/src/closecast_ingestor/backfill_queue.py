"""The backfill requests as a member of the ingestors' group reads them."""

from dataclasses import dataclass, field
from typing import Final

from closecast.events import BackfillRequest, DeadLetter, InvalidEventError
from closecast.kafka import InvalidRecordLimits, InvalidRecordPolicy, KafkaSettings, new_consumer
from closecast.telemetry.logs import get_logger

_MOST_AT_ONCE: Final = 10
"""The ledger holds what Kafka has of all of them meanwhile: some 10 MB for a symbol of forty years."""

_LONGEST_ROUND_MS: Final = 4 * 60 * 60 * 1000
"""The group is polled between rounds only, and one over thousands of symbols may take hours."""

_log = get_logger(__name__)


@dataclass(slots=True)
class Batch:
    """What arrived in one go.

    Attributes:
        requests: The requests, in order.
        letters: Records that are none.
    """

    requests: list[BackfillRequest] = field(default_factory=list)
    letters: list[DeadLetter] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.requests or self.letters)


class BackfillQueue:
    """Reads the requests; what is not committed comes again to the next member of the group.

    Args:
        kafka: How to reach Kafka.
        group_id: The consumer group, one for all ingestors: each request is served by one of them.
    """

    def __init__(self, kafka: KafkaSettings, group_id: str) -> None:
        self._topic = kafka.topics.backfill_requests
        self._policy = InvalidRecordPolicy(InvalidRecordLimits())
        self._consumer = new_consumer(
            kafka,
            f"{group_id}-requests",
            self._topic.name,
            group_id=group_id,
            max_poll_records=_MOST_AT_ONCE,
            max_poll_interval_ms=_LONGEST_ROUND_MS,
        )

    def poll(self, timeout_s: float) -> Batch:
        """Return what has arrived, waiting for it up to `timeout_s`.

        Raises:
            TooManyInvalidRecordsError: If so many records are bad that their writer must be broken.
            KafkaError: If Kafka fails.
        """
        batch = Batch()
        for records in self._consumer.poll(timeout_ms=int(timeout_s * 1000)).values():
            for record in records:
                try:
                    batch.requests.append(BackfillRequest.from_bytes(record.value))
                except InvalidEventError as error:
                    self._policy.invalid(str(error))
                    _log.warning("bad record set aside", topic=record.topic, offset=record.offset, error=str(error))
                    letter = DeadLetter(
                        record.key, record.value, str(error), record.topic, record.partition, record.offset
                    )
                    batch.letters.append(letter)
                else:
                    self._policy.valid()
        return batch

    def commit(self) -> None:
        """Commit the offsets of all that was polled, whose effect is complete.

        Raises:
            KafkaError: If Kafka does not take them; the requests come again.
        """
        self._consumer.commit()

    def close(self) -> None:
        """Leave the group."""
        self._consumer.close(autocommit=False)
