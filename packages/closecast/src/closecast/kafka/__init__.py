"""Kafka as the services use it: committed reads, idempotent and transactional writes, dead letters."""

from closecast.kafka.admin import ensure_topics
from closecast.kafka.clients import new_consumer, new_producer
from closecast.kafka.errors import (
    BrokerUnavailableError,
    FencedError,
    MissingTopicError,
    StoppedError,
    TooManyInvalidRecordsError,
)
from closecast.kafka.invalid_records import InvalidRecordLimits, InvalidRecordPolicy
from closecast.kafka.publisher import Publisher, TransactionalPublisher
from closecast.kafka.reader import begins_of, ends_of, offsets_of_latest, offsets_since, partitions_of, read_to_end
from closecast.kafka.settings import KafkaSettings

__all__ = [
    "BrokerUnavailableError",
    "FencedError",
    "InvalidRecordLimits",
    "InvalidRecordPolicy",
    "KafkaSettings",
    "MissingTopicError",
    "Publisher",
    "StoppedError",
    "TooManyInvalidRecordsError",
    "TransactionalPublisher",
    "begins_of",
    "ends_of",
    "ensure_topics",
    "new_consumer",
    "new_producer",
    "offsets_of_latest",
    "offsets_since",
    "partitions_of",
    "read_to_end",
]
