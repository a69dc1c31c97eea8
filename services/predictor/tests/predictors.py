"""The predictor's command as a child process, with real Kafka and MLflow."""

import sys
from pathlib import Path
from typing import Any, Final, Self

import httpx
import psutil

from closecast.kafka import KafkaSettings
from closecast.mlflow_settings import MlflowSettings
from closecast.ports import free_ports
from closecast_local.commands import environment
from closecast_local.processes import Child, Command
from closecast_local.readiness import http_answers, wait_until

START_S: Final = 240.0


class Predictor:
    """A running ``closecast-predictor``; it ends with its `with` block.

    Args:
        kafka: Where its quotes are.
        mlflow: Where its champion is.
        folder: For its log and cache.
        settings: Further settings, by their name in the environment.
    """

    def __init__(self, kafka: KafkaSettings, mlflow: MlflowSettings, folder: Path, **settings: str) -> None:
        port, self.metrics_port = free_ports(2)
        self.address = f"http://127.0.0.1:{port}"
        variables = {
            "CLOSECAST_KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap_servers,
            "CLOSECAST_KAFKA_TOPIC_PREFIX": kafka.topic_prefix,
            "CLOSECAST_METRICS_PORT": str(self.metrics_port),
            "CLOSECAST_MLFLOW_TRACKING_URI": mlflow.tracking_uri,
            "CLOSECAST_MLFLOW_MODEL": mlflow.model,
            "CLOSECAST_PREDICTOR_PORT": str(port),
            "CLOSECAST_PREDICTOR_CACHE": str(folder / "cache"),
        }
        self.log = folder / "predictor.log"
        self._command = Command(
            name="predictor",
            arguments=(sys.executable, "-m", "closecast_predictor"),
            log=self.log,
            environment=environment(**(variables | settings)),
            grace_s=30.0,
        )

    def __enter__(self) -> Self:
        self.child = Child(self._command)
        try:
            wait_until(
                lambda: http_answers(f"{self.address}/ready"),
                "the predictor",
                START_S,
                check=self.child.require_alive,
            )
        except BaseException:
            self.child.stop()
            raise
        self.client = httpx.Client(base_url=self.address, timeout=30.0, trust_env=False)
        return self

    def __exit__(self, *_exception: object) -> None:
        self.client.close()
        self.child.stop()

    def forecast(self, symbol: str) -> Any:
        """Return the forecast of a symbol's next session."""
        answer = self.client.get(f"/forecast/{symbol}", params={"horizon": 1})
        assert answer.status_code == 200, answer.text
        return answer.json()

    def processes(self, part: str = "") -> list[psutil.Process]:
        """Return its processes whose command line holds a text; Ray's daemons are children of what holds the leash."""
        found = []
        for process in psutil.Process(self.child.pid).parents()[0].children(recursive=True):
            try:
                if part in " ".join(process.cmdline()):
                    found.append(process)
            except psutil.NoSuchProcess:
                continue
        return found

    def replicas(self, deployment: str) -> list[psutil.Process]:
        """Return the replicas of a deployment."""
        return self.processes(f"ServeReplica:closecast:{deployment}")
