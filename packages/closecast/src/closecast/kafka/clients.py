"""Kafka clients with the guarantees that Closecast relies on."""

import time
from typing import Any, Final

from kafka import KafkaConsumer, KafkaProducer

from closecast.kafka.settings import KafkaSettings

_FIRST_PAUSE_S: Final = 0.001


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
    """Return a consumer that sees committed transactions only, and commits nothing by itself.

    It pauses between its questions if the settings say so.
    """
    options = {
        **settings.client_options(),
        "client_id": client_id,
        "enable_auto_commit": False,
        "auto_offset_reset": "earliest",
        "isolation_level": "read_committed",
    }
    if settings.longest_pause_ms:
        return _PausingConsumer(settings.longest_pause_ms / 1000, *topics, **(options | overrides))
    return KafkaConsumer(*topics, **(options | overrides))


class _PausingConsumer(KafkaConsumer):  # type: ignore[misc]
    """Asks less and less often while nothing comes: 1 ms after the last record first, then twice that, and so on.

    Brokers should keep a question until there are records (`fetch_max_wait_ms`); with one that does not, a plain
    consumer would ask a thousand times a second and take a whole processor.
    """

    def __init__(self, longest_pause_s: float, *topics: str, **options: Any) -> None:
        super().__init__(*topics, **options)
        self._longest_pause_s = longest_pause_s
        self._pause_s = _FIRST_PAUSE_S

    def poll(self, timeout_ms: float = 0, **options: Any) -> dict[Any, list[Any]]:
        if not self.assignment():
            # It is about to join its group, and asks for nothing until it has.
            joined: dict[Any, list[Any]] = super().poll(timeout_ms=timeout_ms, **options)
            return joined
        deadline = time.monotonic() + timeout_ms / 1000
        # What a question brings is picked up by the next, so that each pause costs one.
        while not (records := super().poll(timeout_ms=0, **options)):
            left = deadline - time.monotonic()
            if left <= 0:
                return {}
            time.sleep(min(self._pause_s, left))
            self._pause_s = min(2 * self._pause_s, self._longest_pause_s)
        self._pause_s = _FIRST_PAUSE_S
        return dict(records)
