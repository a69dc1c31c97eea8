"""Sends forecasts to Kafka."""

from collections.abc import Iterable
from typing import Final

from kafka.errors import KafkaError

from closecast.events import Forecast
from closecast.kafka import KafkaSettings, Publisher
from closecast.telemetry.logs import get_logger
from closecast_predictor import metrics

_CLOSE_S: Final = 60.0
_log = get_logger(__name__)


class Outbox:
    """Publishes forecasts; those that Kafka refused go with the next ones, or they would be lost to the scores.

    Args:
        settings: How to reach Kafka.
    """

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        self._publisher: Publisher | None = None
        self._waiting: dict[bytes, Forecast] = {}

    def publish(self, forecasts: Iterable[Forecast]) -> None:
        """Send forecasts; a failure is logged and counted."""
        self._waiting |= {forecast.key(): forecast for forecast in forecasts}
        try:
            self._send_all()
        except KafkaError as error:
            metrics.PUBLISH_FAILURES.inc()
            _log.warning("forecasts not published yet", forecasts=len(self._waiting), error=str(error))
            # A producer remembers some refusals for good; the next try is made with another.
            self.close(timeout_s=0)
        else:
            metrics.PUBLISHED.inc(len(self._waiting))
            self._waiting.clear()

    def close(self, timeout_s: float = _CLOSE_S) -> None:
        """Let go of the connections."""
        if self._publisher is not None:
            self._publisher.close(timeout_s)
            self._publisher = None

    def _send_all(self) -> None:
        if self._publisher is None:
            self._publisher = Publisher(self._settings, "closecast-predictor")
        for forecast in self._waiting.values():
            self._publisher.send(self._settings.topics.forecasts, forecast)
        self._publisher.flush()
