"""Trainers to test with: in a thread of the test, or as the process that users start."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from kafka import KafkaAdminClient, TopicPartition
from kafka.consumer.fetcher import ConsumerRecord
from mlflow.entities import Run
from mlflow.tracking import MlflowClient
from prometheus_client import CollectorRegistry

from closecast.events import Event, ModelEvent
from closecast.kafka import (
    KafkaSettings,
    TransactionalPublisher,
    ensure_topics,
    new_consumer,
    partitions_of,
    read_to_end,
)
from closecast.topics import Topic
from closecast_trainer.metrics import TrainerMetrics
from closecast_trainer.service import TrainerService
from closecast_trainer.settings import TrainerSettings

SMALL: Mapping[str, int] = {"epochs": 2, "hidden_size": 4, "layers": 1, "sequence_length": 64}
"""A network that trains in a second."""


def settings_of(kafka: KafkaSettings, mlflow_uri: str, folder: Path, **overrides: Any) -> TrainerSettings:
    """Return settings with a group, a model and an experiment of the topic prefix's own, and quick reactions."""
    name = kafka.topic_prefix.strip(".")
    options: dict[str, Any] = {
        "device": "cpu",
        "state_dir": folder / "state",
        "kafka": kafka,
        "mlflow": {"tracking_uri": mlflow_uri, "experiment": name, "model": name, "timeout_s": 20},
        "group": {"id": name, "session_timeout_s": 6},
        "policy": {"quiet_s": 0.5, "retrain_after_sessions": 0},
        "training": SMALL,
        "metrics": {"port": 0},
    }
    return TrainerSettings.model_validate(options | overrides)


class TrainerThread:
    """A trainer in a thread; leaving the block stops it, and raises what it raised."""

    def __init__(self, settings: TrainerSettings) -> None:
        self._registry = CollectorRegistry()
        self.service = TrainerService(settings, TrainerMetrics(self._registry))
        self.error: BaseException | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="trainer")

    def metric(self, name: str, **labels: str) -> float:
        """Return a metric, 0 if it has no value yet."""
        return self._registry.get_sample_value(f"closecast_trainer_{name}", labels) or 0.0

    def require_alive(self) -> None:
        """Raise what ended the trainer, if anything has."""
        if self.error is not None:
            raise self.error

    def join(self, timeout_s: float) -> None:
        """Wait for the trainer to end by itself."""
        self._thread.join(timeout_s)
        assert not self._thread.is_alive()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join(30)
        if kind is None:
            assert not self._thread.is_alive()
            self.require_alive()

    def _run(self) -> None:
        try:
            self.service.run(self._stop)
        except BaseException as error:  # noqa: BLE001 - the test shall see it
            self.error = error


class TrainerProcess:
    """The command ``closecast-trainer``; leaving the block kills it if it still runs."""

    def __init__(self, settings: TrainerSettings, log: Path) -> None:
        self.log = log
        self._arguments = [sys.executable, "-m", "closecast_trainer", *_flags(settings)]

    def __enter__(self) -> Self:
        with self.log.open("wb") as stderr:
            self.process = subprocess.Popen(self._arguments, stdout=subprocess.DEVNULL, stderr=stderr)
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()

    def has_logged(self, text: str) -> bool:
        """Tell whether a line of its log contains a text."""
        return text in self.log.read_text()

    def require_alive(self) -> None:
        """Fail if the process has ended."""
        assert self.process.poll() is None, self.log.read_text()


def wait_for(
    condition: Callable[[], Any], what: str, timeout_s: float = 300, *, check: Callable[[], None] = lambda: None
) -> Any:
    """Wait until a condition gives something true, and return it."""
    deadline = time.monotonic() + timeout_s
    while not (value := condition()):
        check()
        assert time.monotonic() < deadline, f"{what}: not within {timeout_s} s"
        time.sleep(0.2)
    return value


def publish(kafka: KafkaSettings, topic: Topic, events: Iterable[Event], *, raw: Iterable[bytes | None] = ()) -> None:
    """Publish events, and after them values that are none, in one transaction."""
    ensure_topics(kafka, kafka.topics)
    publisher = TransactionalPublisher(kafka, "test", f"test-{kafka.topic_prefix}")
    try:
        with publisher.transaction():
            for event in events:
                publisher.send(topic, event)
            for value in raw:
                publisher._producer.send(topic.name, value, key=b"bad", partition=0)
    finally:
        publisher.close()


def records_of(kafka: KafkaSettings, topic: Topic) -> list[ConsumerRecord]:
    """Return every record of a topic."""
    consumer = new_consumer(kafka, "test-reader")
    try:
        return list(read_to_end(consumer, dict.fromkeys(partitions_of(consumer, topic), 0)))
    finally:
        consumer.close()


def outcomes_of(kafka: KafkaSettings) -> list[ModelEvent]:
    """Return every model event."""
    return [ModelEvent.from_bytes(record.value) for record in records_of(kafka, kafka.topics.models)]


def runs_of(client: MlflowClient, experiment: str) -> list[Run]:
    """Return the runs of an experiment, none if it does not exist."""
    found = client.get_experiment_by_name(experiment)
    return [] if found is None else list(client.search_runs([found.experiment_id]))


def lag_of(kafka: KafkaSettings, group: str) -> dict[TopicPartition, int]:
    """Return by how much the group lags in each partition that it has committed an offset of, as KEDA computes it."""
    admin = KafkaAdminClient(**kafka.client_options())
    consumer = new_consumer(kafka, "test-lag", isolation_level="read_uncommitted")
    try:
        committed = admin.list_group_offsets(group)[group]
        ends = consumer.end_offsets(list(committed))
        return {partition: ends[partition] - offset.offset for partition, offset in committed.items()}
    finally:
        admin.close()
        consumer.close()


def _flags(settings: TrainerSettings) -> list[str]:
    flags = []
    for name, value in settings.model_dump(exclude_unset=True).items():
        members = value.items() if isinstance(value, dict) else ((None, value),)
        for member, content in members:
            if content is not None:
                flag = name if member is None else f"{name}.{member}"
                flags += [f"--{flag.replace('_', '-')}", str(content)]
    return flags
