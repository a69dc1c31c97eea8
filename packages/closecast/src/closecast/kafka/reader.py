"""Reading topics by offset and by time, outside of any consumer group."""

import time as clock
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from kafka import KafkaConsumer, TopicPartition

from closecast.topics import Topic

_POLL_MS: Final = 500
_LEADERS_S: Final = 10.0
_LEADERS_RETRY_S: Final = 0.05
_TAIL: Final = 20
"""Records looked at from the end of a partition to find the newest; commit markers take offsets too."""


def partitions_of(consumer: KafkaConsumer, topic: Topic) -> list[TopicPartition]:
    """Return the partitions of a topic that exists.

    Raises:
        LookupError: If the topic does not exist.
    """
    numbers = consumer.partitions_for_topic(topic.name)
    if not numbers:
        raise LookupError(f"topic {topic.name} does not exist")
    return [TopicPartition(topic.name, number) for number in sorted(numbers)]


def ends_of(consumer: KafkaConsumer, partitions: list[TopicPartition]) -> dict[TopicPartition, int]:
    """Return the offset behind the last committed record of each partition.

    Raises:
        KeyError: If the leader of one is not known for ten seconds.
    """
    return _once_leaders_are_known(lambda: consumer.end_offsets(partitions))


def begins_of(consumer: KafkaConsumer, partitions: list[TopicPartition]) -> dict[TopicPartition, int]:
    """Return the first offset of each partition.

    Raises:
        KeyError: If the leader of one is not known for ten seconds.
    """
    return _once_leaders_are_known(lambda: consumer.beginning_offsets(partitions))


def _once_leaders_are_known(ask: Callable[[], dict[TopicPartition, int]]) -> dict[TopicPartition, int]:
    """Ask until the answer is whole.

    kafka-python 3.0.12 leaves a partition out whose leader is not in its metadata yet, and stumbles over the gap; it
    has asked for the metadata by then.
    """
    deadline = clock.monotonic() + _LEADERS_S
    while True:
        try:
            return ask()
        except KeyError:
            if clock.monotonic() > deadline:
                raise
            clock.sleep(_LEADERS_RETRY_S)


def read_to_end(consumer: KafkaConsumer, start: Mapping[TopicPartition, int]) -> Iterator[Any]:
    """Yield the records from the given offsets to the ends that the partitions have now.

    The consumer is left assigned to the partitions, each at the offset where reading goes on.
    """
    consumer.assign(list(start))
    for partition, offset in start.items():
        consumer.seek(partition, offset)
    ends = ends_of(consumer, list(start))
    while any(consumer.position(partition) < ends[partition] for partition in start):
        for records in consumer.poll(timeout_ms=_POLL_MS).values():
            yield from records


def offsets_since(
    consumer: KafkaConsumer, partitions: list[TopicPartition], since: datetime
) -> dict[TopicPartition, int]:
    """Return for each partition an offset from which no record is missed that is not older than `since`.

    It is the first such record, or earlier: commit markers of transactions carry the time of their writing, so that
    old sessions that were published later than `since` are found from their first transaction on.
    """
    # Asked first: offsets_for_times would take a partition whose leader is unknown for one without such a record.
    begins = begins_of(consumer, partitions)
    return _offsets_from(consumer, begins, dict.fromkeys(partitions, int(since.timestamp() * 1000)))


def offsets_of_latest(
    consumer: KafkaConsumer,
    partitions: list[TopicPartition],
    span: timedelta,
    time_of: Callable[[Any], datetime | None],
) -> dict[TopicPartition, int]:
    """Return for each partition an offset from which records cover at least `span` before its newest one.

    Time is that of the records, so a replay of old sessions is found as well as today's; see `offsets_since` for why
    it may be earlier than needed.

    Args:
        consumer: Asks.
        partitions: Which.
        span: How far back.
        time_of: What time a record is about; None for one that does not count, such as a record that no one can read:
            that carries the time at which it was written, however old the records around it are.
    """
    begins, ends = begins_of(consumer, partitions), ends_of(consumer, partitions)
    tails = {partition: max(begins[partition], ends[partition] - _TAIL) for partition in partitions}
    newest: dict[TopicPartition, datetime] = {}
    for record in read_to_end(consumer, tails):
        if (time := time_of(record)) is not None:
            partition = TopicPartition(record.topic, record.partition)
            newest[partition] = max(newest.get(partition, time), time)
    times = {partition: max(0, int((time - span).timestamp() * 1000)) for partition, time in newest.items()}
    return _offsets_from(consumer, begins, times)


def _offsets_from(
    consumer: KafkaConsumer, begins: Mapping[TopicPartition, int], times: Mapping[TopicPartition, int]
) -> dict[TopicPartition, int]:
    """Return for each partition the offset of the first record that is not older than its time.

    Where brokers name none it is the beginning, for they look in one segment alone, the first whose newest time is not
    older, and compaction may have left only an emptied batch in it, such as that of an aborted transaction.

    Args:
        consumer: Asks.
        begins: The first offset of each partition.
        times: In milliseconds since 1970; a partition without one is read from its beginning.
    """
    found = consumer.offsets_for_times(dict(times)) if times else {}
    return {
        partition: begin if found.get(partition) is None else found[partition].offset
        for partition, begin in begins.items()
    }
