"""What the services tell of their work: metrics over HTTP, model events and forecasts over Kafka."""

from contextlib import suppress
from typing import Any, Final

import httpx
from kafka import TopicPartition
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from closecast.events import Forecast, InvalidEventError, ModelEvent
from closecast.kafka import KafkaSettings, ends_of, new_consumer, partitions_of
from closecast.mlflow_settings import DEFAULT_MODEL

_CLIENT: Final = "closecast-local"
_TIMEOUT_S: Final = 5.0
_POLL_MS: Final = 50


class Metrics:
    """One reading of a service's metrics.

    Args:
        samples: Every sample that the service exposed.
    """

    def __init__(self, samples: list[Sample]) -> None:
        self._samples = samples

    @classmethod
    def scrape(cls, url: str) -> "Metrics":
        """Read the metrics of a service; there are none while it does not answer."""
        try:
            answer = httpx.get(url, timeout=_TIMEOUT_S, trust_env=False)
        except httpx.HTTPError:
            return cls([])
        families = text_string_to_metric_families(answer.text)
        return cls([sample for family in families for sample in family.samples])

    def value(self, name: str, **labels: str) -> float:
        """Return a metric, summed over the labels that are not given; 0 if it is not there."""
        return sum(
            sample.value for sample in self._samples if sample.name == name and labels.items() <= sample.labels.items()
        )


class Follower:
    """Follows events of the panel's model and forecasts from their first record on.

    Args:
        kafka: How to reach the broker; the topics must exist.
    """

    def __init__(self, kafka: KafkaSettings) -> None:
        self.outcome: ModelEvent | None = None
        self.outcome_is_new = False
        self.forecasts: dict[str, Forecast] = {}
        self._models = kafka.topics.models.name
        self._consumer = new_consumer(kafka, _CLIENT)
        partitions = [
            partition
            for topic in (kafka.topics.models, kafka.topics.forecasts)
            for partition in partitions_of(self._consumer, topic)
        ]
        self._consumer.assign(partitions)
        self._consumer.seek_to_beginning()
        self._ends = ends_of(self._consumer, partitions)

    @property
    def caught_up(self) -> bool:
        """Whether all has been read that was there at the start."""
        return all(self._consumer.position(partition) >= end for partition, end in self._ends.items())

    def poll(self) -> None:
        """Take in what has arrived.

        Afterwards `outcome` is that of the panel's latest training, `outcome_is_new` tells whether it came after the
        start, and `forecasts` holds the latest of each symbol.
        """
        for records in self._consumer.poll(timeout_ms=_POLL_MS).values():
            for record in records:
                with suppress(InvalidEventError):
                    self._take(record)

    def close(self) -> None:
        """Let go of the connections."""
        self._consumer.close()

    def _take(self, record: Any) -> None:  # noqa: ANN401 - kafka-python has no types
        if record.topic == self._models:
            event = ModelEvent.from_bytes(record.value)
            if event.model != DEFAULT_MODEL:
                return  # a symbol's own model
            self.outcome = event
            self.outcome_is_new = record.offset >= self._ends[TopicPartition(record.topic, record.partition)]
        else:
            forecast = Forecast.from_bytes(record.value)
            self.forecasts[forecast.symbol] = forecast
