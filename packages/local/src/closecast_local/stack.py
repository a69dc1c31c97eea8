"""What the demo starts: every part as a command, wired to the others through its environment."""

import hashlib
import os
import shutil
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from closecast.kafka import KafkaSettings
from closecast.ports import is_free
from closecast_local.commands import CLIENTS_OF_NOIDA, HOST, environment, mlflow_server, noida_broker, program
from closecast_local.ports import holder_of
from closecast_local.processes import Command
from closecast_local.settings import DemoSettings
from closecast_local.state import StateFolder

_PARTITIONS: Final = 4
_TRAINER_GRACE_S: Final = 25.0
_PREDICTOR_GRACE_S: Final = 30.0


class CannotStartError(RuntimeError):
    """Something that the demo needs is missing or taken; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Stack:
    """The parts of a demo.

    Attributes:
        settings: Of the demo.
        state: Folder of their state and logs.
        scratch: Folder for sockets, which goes when the demo ends.
    """

    settings: DemoSettings
    state: StateFolder
    scratch: Path

    @property
    def kafka(self) -> KafkaSettings:
        """How the runner itself reaches the broker."""
        return KafkaSettings.model_validate({"bootstrap_servers": self._bootstrap_servers, "partitions": _PARTITIONS})

    @property
    def predictor_url(self) -> str:
        """Address of the predictor."""
        return f"http://{HOST}:{self.settings.port}"

    @property
    def mlflow_url(self) -> str:
        """Address of MLflow."""
        return f"http://{HOST}:{self.settings.mlflow_port}"

    def require_startable(self) -> None:
        """Check that every program is installed and every port is free.

        Raises:
            CannotStartError: If not; the message names the first fault and its remedy.
        """
        for command in (self.broker(), self.ingestor(), self.trainer(), self.predictor()):
            if shutil.which(command.arguments[0]) is None:
                raise CannotStartError(f"{Path(command.arguments[0]).name} is not installed; run `make install`")
        if find_spec("mlflow") is None:
            raise CannotStartError("the package mlflow is not installed; run `make install`")
        self._require_free_ports()

    def broker(self) -> Command:
        """Return the embedded broker."""
        return noida_broker(self.state.of("broker"), self.settings.broker_port, log=self._log("broker"))

    def mlflow(self) -> Command:
        """Return the MLflow server."""
        return mlflow_server(self.state.of("mlflow"), self.settings.mlflow_port, log=self._log("mlflow"))

    def ingestor(self) -> Command:
        """Return the ingestor: it replays the source once and ends."""
        symbols = ("--symbols", ",".join(self.settings.symbols)) if self.settings.symbols else ()
        return Command(
            name="ingestor",
            arguments=(program("closecast-ingestor"), "replay", *self._source, *symbols),
            log=self._log("ingestor"),
            environment=self._environment(self.settings.ingestor_metrics_port),
            ends=True,
        )

    def backfiller(self) -> Command:
        """Return the ingestor that publishes what the predictor asks for, once the first one has ended."""
        return Command(
            name="backfiller",
            arguments=(program("closecast-ingestor"), "serve", *self._source),
            log=self._log("backfiller"),
            environment=self._environment(self.settings.ingestor_metrics_port),
        )

    def trainer(self) -> Command:
        """Return the trainer."""
        return Command(
            name="trainer",
            arguments=(program("closecast-trainer"),),
            log=self._log("trainer"),
            environment=self._environment(
                self.settings.trainer_metrics_port,
                CLOSECAST_TRAINER_STATE_DIR=str(self.state.of("trainer")),
                CLOSECAST_TRAINER_TRAINING_EPOCHS=str(self.settings.epochs),
            ),
            grace_s=_TRAINER_GRACE_S,
        )

    def predictor(self) -> Command:
        """Return the predictor, which starts a Ray of its own."""
        return Command(
            name="predictor",
            arguments=(program("closecast-predictor"),),
            log=self._log("predictor"),
            environment=self._environment(
                self.settings.predictor_metrics_port,
                CLOSECAST_PREDICTOR_HOST=HOST,
                CLOSECAST_PREDICTOR_PORT=str(self.settings.port),
                CLOSECAST_PREDICTOR_CACHE=str(self.state.of("predictor")),
                RAY_TMPDIR=str(self.scratch),
            ),
            grace_s=_PREDICTOR_GRACE_S,
        )

    def _environment(self, metrics_port: int, **variables: str) -> dict[str, str]:
        return environment(
            CLOSECAST_KAFKA_BOOTSTRAP_SERVERS=self._bootstrap_servers,
            CLOSECAST_KAFKA_PARTITIONS=str(_PARTITIONS),
            CLOSECAST_MLFLOW_TRACKING_URI=self.mlflow_url,
            CLOSECAST_LOG_FORMAT="console",
            CLOSECAST_METRICS_HOST=HOST,
            CLOSECAST_METRICS_PORT=str(metrics_port),
            OMP_NUM_THREADS="1",
            PATH=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
            **(CLIENTS_OF_NOIDA | variables),
        )

    def _require_free_ports(self) -> None:
        taken: dict[int, str] = {}
        for name, port in self.settings.ports().items():
            flag = f"--{name.replace('_', '-')}"
            if port in taken:
                raise CannotStartError(f"port {port} is given twice: {taken[port]} and {flag}")
            taken[port] = flag
            if not is_free(port):
                holder = holder_of(port)
                held = f" (by {holder})" if holder else ""
                raise CannotStartError(
                    f"port {port} is in use{held}; choose another with {flag} or CLOSECAST_LOCAL_{name.upper()}"
                )

    @property
    def _source(self) -> tuple[str, ...]:
        if self.settings.csv is None:
            return "--source", "sample"
        return "--source", "csv", "--csv-folder", str(self.settings.csv.absolute())

    @property
    def _bootstrap_servers(self) -> str:
        return f"{HOST}:{self.settings.broker_port}"

    def _log(self, part: str) -> Path:
        return self.state.logs / f"{part}.log"


def universe_of(settings: DemoSettings) -> str:
    """Return a name for the quotes that a demo runs on: the same source and symbols, the same name."""
    if settings.csv is None and not settings.symbols:
        return "sample"
    source = "sample" if settings.csv is None else str(settings.csv.absolute())
    digest = hashlib.sha256("\n".join((source, *sorted(settings.symbols))).encode()).hexdigest()[:8]
    return f"{'sample' if settings.csv is None else 'csv'}-{digest}"
