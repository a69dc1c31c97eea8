"""All three services as processes, on a real Kafka and a real MLflow."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import httpx
from pydantic import SecretStr

from closecast.events import Event
from closecast.kafka import KafkaSettings, Publisher, begins_of, new_consumer, new_producer, partitions_of, read_to_end
from closecast.mlflow_settings import MlflowSettings
from closecast.ports import free_ports
from closecast.topics import Topic
from closecast_local.commands import environment, program
from closecast_local.processes import Child, Command, Supervisor

_TIMEOUT_S = 400.0


class Pipeline:
    """Trainer and predictor, running inside its `with` block; the ingestor runs when it is told to.

    Args:
        kafka: Broker and a topic prefix of its own, as the tests use them.
        kafka_of: Returns them as a service does.
        mlflow_uri: The MLflow server.
        folder: For state and logs.
    """

    def __init__(
        self, kafka: KafkaSettings, kafka_of: Callable[[str], KafkaSettings], mlflow_uri: str, folder: Path
    ) -> None:
        self.kafka = kafka
        self._kafka_of = kafka_of
        self._folder = folder
        name = kafka.topic_prefix.strip(".")
        self.mlflow = MlflowSettings(tracking_uri=mlflow_uri, model=name, experiment=name)
        self._port, self._predictor_metrics = free_ports(2)
        self._supervisor = Supervisor()
        self._http = httpx.Client(base_url=f"http://127.0.0.1:{self._port}", timeout=30, trust_env=False)

    def __enter__(self) -> Self:
        try:
            # Ray gives up its own start after 30 s: it must not share that time with others, and may need another try.
            self._supervisor.start_patiently(
                self._command("predictor", CLOSECAST_METRICS_PORT=str(self._predictor_metrics)),
                lambda: self.eventually(lambda: self.answers("/health")),
                attempts=3,
            )
            self._supervisor.start(self._command("trainer", CLOSECAST_METRICS_PORT="0"))
        except BaseException:
            self._supervisor.stop()
            raise
        return self

    def __exit__(self, *_exception: object) -> None:
        self._supervisor.stop()
        self._http.close()

    def ingest(self, *arguments: str) -> int:
        """Run the ingestor to its end and return its exit status."""
        return Child(self._command("ingestor", *arguments, CLOSECAST_METRICS_PORT="0")).wait(_TIMEOUT_S)

    @contextmanager
    def ingesting(self, *arguments: str) -> Iterator[None]:
        """Run an ingestor that does not end by itself for the length of a block."""
        ingestor = Child(self._command("ingestor", *arguments, CLOSECAST_METRICS_PORT="0"))
        try:
            yield
            ingestor.require_alive()
        finally:
            ingestor.stop()

    def status_of(self, path: str) -> int:
        """Return the status of the answer to a GET."""
        return self._http.get(path).status_code

    def get(self, path: str) -> Any:
        """Return the JSON of a good answer."""
        return self._http.get(path).raise_for_status().json()

    def post(self, path: str, body: dict[str, Any]) -> httpx.Response:
        """Return the answer to a JSON body."""
        return self._http.post(path, json=body)

    def answers(self, path: str) -> bool:
        """Tell whether a GET is answered well."""
        try:
            return self._http.get(path).is_success
        except httpx.HTTPError:
            return False

    def publish(self, topic: Topic, event: Event) -> None:
        """Put an event on a topic."""
        publisher = Publisher(self.kafka, "tests")
        publisher.send(topic, event)
        publisher.flush()
        publisher.close()

    def publish_bytes(self, topic: Topic, *values: bytes) -> None:
        """Put anything on a topic."""
        producer = new_producer(self.kafka, "tests")
        for value in values:
            producer.send(topic.name, value, key=b"any").get(timeout=30)
        producer.close()

    def values_on(self, topic: Topic) -> list[bytes]:
        """Return every committed value of a topic."""
        consumer = new_consumer(self.kafka, "tests")
        start = begins_of(consumer, partitions_of(consumer, topic))
        values = [record.value for record in read_to_end(consumer, start)]
        consumer.close()
        return values

    def eventually(self, condition: Callable[[], bool]) -> None:
        """Wait until a condition holds; no service may die meanwhile."""
        deadline = time.monotonic() + _TIMEOUT_S
        while not condition():
            self._supervisor.require_alive()
            assert time.monotonic() < deadline
            time.sleep(0.2)

    def require_alive(self) -> None:
        """Check that no service has died."""
        self._supervisor.require_alive()

    def _command(self, service: str, *arguments: str, **variables: str) -> Command:
        return Command(
            name=service,
            arguments=(program(f"closecast-{service}"), *arguments),
            log=self._folder / f"{service}.log",
            environment=environment(
                **_variables(self._kafka_of(service)),
                CLOSECAST_MLFLOW_TRACKING_URI=self.mlflow.tracking_uri,
                CLOSECAST_MLFLOW_MODEL=self.mlflow.model,
                CLOSECAST_MLFLOW_EXPERIMENT=self.mlflow.experiment,
                CLOSECAST_METRICS_HOST="127.0.0.1",
                CLOSECAST_TRAINER_STATE_DIR=str(self._folder / "trainer"),
                CLOSECAST_TRAINER_GROUP_ID=f"{self.mlflow.model}-trainer",
                CLOSECAST_TRAINER_TRAINING_EPOCHS="2",
                CLOSECAST_TRAINER_TRAINING_HIDDEN_SIZE="8",
                CLOSECAST_PREDICTOR_PORT=str(self._port),
                OMP_NUM_THREADS="1",
                **variables,
            ),
            grace_s=30.0,
        )


def _variables(kafka: KafkaSettings) -> dict[str, str]:
    values = kafka.model_dump(exclude_defaults=True) | {"sasl_password": kafka.sasl_password}
    return {
        f"CLOSECAST_KAFKA_{name.upper()}": value.get_secret_value() if isinstance(value, SecretStr) else str(value)
        for name, value in values.items()
        if value is not None
    }
