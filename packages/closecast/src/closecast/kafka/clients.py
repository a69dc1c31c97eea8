"""Kafka clients with the guarantees that Closecast relies on."""

from typing import Any

from kafka import KafkaConsumer, KafkaProducer

from closecast.kafka.settings import KafkaSettings


def new_producer(settings: KafkaSettings, client_id: str, **overrides: Any) -> KafkaProducer:
    """Return a producer that waits for all replicas and never writes a retried record twice."""
    options = {
        **settings.client_options(),
        "client_id": client_id,
        "acks": "all",
        "enable_idempotence": True,
        "linger_ms": 5,
    }
    return KafkaProducer(**(options | overrides))


def new_consumer(settings: KafkaSettings, client_id: str, *topics: str, **overrides: Any) -> KafkaConsumer:
    """Return a consumer that sees committed transactions only, and commits nothing by itself."""
    options = {
        **settings.client_options(),
        "client_id": client_id,
        "enable_auto_commit": False,
        "auto_offset_reset": "earliest",
        "isolation_level": "read_committed",
    }
    return KafkaConsumer(*topics, **(options | overrides))
