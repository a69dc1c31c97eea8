"""Publishing what somebody who waits for the answer asks for."""

import threading
from typing import Final

from closecast.events import Event
from closecast.kafka import KafkaSettings, Publisher
from closecast.topics import Topic

_IMPATIENT: Final = {"max_block_ms": 5_000, "request_timeout_ms": 5_000, "delivery_timeout_ms": 10_000}
"""A caller waits for the answer: better a clear failure than a minute of patience."""


class RequestPublisher:
    """Publishes requests one at a time; it connects with the first.

    Args:
        kafka: How to reach Kafka.
        client_id: Name in the brokers' logs and metrics.
    """

    def __init__(self, kafka: KafkaSettings, client_id: str) -> None:
        self._kafka = kafka
        self._client_id = client_id
        self._publisher: Publisher | None = None
        self._publishing = threading.Lock()

    def publish(self, topic: Topic, request: Event) -> None:
        """Publish a request and return once Kafka has it; any thread may.

        Raises:
            KafkaError: If it could not be delivered in time.
        """
        with self._publishing:
            if self._publisher is None:
                self._publisher = Publisher(self._kafka, self._client_id, **_IMPATIENT)
            self._publisher.send(topic, request)
            self._publisher.flush()

    def close(self) -> None:
        """Let go of the connections."""
        with self._publishing:
            if self._publisher is not None:
                self._publisher.close()
