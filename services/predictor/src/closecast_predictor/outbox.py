"""Sends forecasts to Kafka."""

from collections.abc import Iterable
from contextlib import suppress
from typing import Final

from kafka.errors import KafkaError

from closecast.events import Forecast
from closecast.kafka import KafkaSettings, Publisher
from closecast.telemetry.logs import get_logger
from closecast_predictor import metrics

_PATIENCE: Final = {"max_block_ms": 5_000, "request_timeout_ms": 5_000, "delivery_timeout_ms": 10_000}
"""Who publishes also makes the next forecasts: they must not wait a minute for brokers that are away."""

_log = get_logger(__name__)


class Outbox:
    """Publishes forecasts; those that could not be delivered go with the next ones, or the scores would lack them.

    Args:
        settings: How to reach Kafka.
    """

    def __init__(self, settings: KafkaSettings) -> None:
        self._topic = settings.topics.forecasts
        self._publisher = Publisher(settings, "closecast-predictor", **_PATIENCE)
        self._waiting: dict[bytes, Forecast] = {}

    def publish(self, forecasts: Iterable[Forecast]) -> None:
        """Send forecasts; a failure is logged and counted."""
        self._waiting |= {forecast.key(): forecast for forecast in forecasts}
        try:
            for forecast in self._waiting.values():
                self._publisher.send(self._topic, forecast)
            self._publisher.flush()
        except KafkaError as error:
            metrics.PUBLISH_FAILURES.inc()
            _log.warning("forecasts not published yet", forecasts=len(self._waiting), error=str(error))
        else:
            metrics.PUBLISHED.inc(len(self._waiting))
            self._waiting.clear()

    def close(self) -> None:
        """Let go of the connections."""
        with suppress(KafkaError):  # brokers that are away cannot be told
            self._publisher.close()
