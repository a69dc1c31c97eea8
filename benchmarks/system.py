"""The real parts that a benchmark of the predictor runs: broker, quotes, predictor."""

import csv
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import cycle, islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import psutil

from closecast.calendars import calendar_of
from closecast.events import Quote
from closecast.kafka import KafkaSettings, Publisher, ensure_topics
from closecast.mlflow_settings import MlflowSettings
from closecast.ports import free_ports
from closecast_local.commands import CLIENTS_OF_NOIDA, environment, noida_broker
from closecast_local.processes import Command, Supervisor
from closecast_local.readiness import http_answers, kafka_answers, wait_until

B3: Final = Path(__file__).resolve().parents[2] / "shared" / "data" / "b3"
_HOST: Final = "127.0.0.1"
_BROKER: Final = "noida"
_START_S: Final = 240.0
_NO_MLFLOW: Final = MlflowSettings(tracking_uri=f"http://{_HOST}:9")
"""Nothing listens there."""


@dataclass(frozen=True, slots=True)
class System:
    """A running predictor and its broker.

    Attributes:
        kafka: How to reach the broker.
        address: Where the predictor answers.
        supervisor: Runs the children; further ones may be added.
        folder: For files of the benchmark.
    """

    kafka: KafkaSettings
    address: str
    supervisor: Supervisor
    folder: Path

    def processes(self, part: str = "") -> list[psutil.Process]:
        """Return the predictor's processes, Ray's among them, whose command line holds a text; not the broker's."""
        found = []
        for process in psutil.Process().children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                command = " ".join(process.cmdline())
                if part in command and _BROKER not in command:
                    found.append(process)
        return found


def b3_quotes(symbols: int, sessions: int) -> dict[str, list[Quote]]:
    """Return real daily quotes of B3, the latest sessions of each symbol.

    There are about twenty files; where more symbols are wanted the same quotes come again under made-up names.

    Raises:
        FileNotFoundError: If the files are not beside the checkout.
    """
    files = sorted(B3.glob("*.csv"))
    if not files:
        raise FileNotFoundError(f"no quotes of B3 under {B3}")
    named = enumerate(islice(cycle(files), symbols))
    names = {file.stem if at < len(files) else f"{file.stem[:4]}X{at}.SA": file for at, file in named}
    return {name: _quotes(name, file, sessions) for name, file in names.items()}


def publish(kafka: KafkaSettings, quotes: dict[str, list[Quote]]) -> None:
    """Publish the quotes of all symbols and wait until the broker has them."""
    ensure_topics(kafka, kafka.topics)
    publisher = Publisher(kafka, "benchmark", linger_ms=20)
    for one in quotes.values():
        for quote in one:
            publisher.send(kafka.topics.quotes, quote)
    publisher.flush()
    publisher.close()


@contextmanager
def running_system(
    quotes: dict[str, list[Quote]], *, mlflow: MlflowSettings = _NO_MLFLOW, **settings: str
) -> Iterator[System]:
    """Run a broker that holds these quotes, and a predictor with one replica, for the length of a block.

    Args:
        quotes: What is published before the predictor starts.
        mlflow: Where champions are; by default nowhere, and the base speaks, which costs the same to answer.
        settings: Further settings of the predictor, by the end of their name in the environment.
    """
    with TemporaryDirectory(prefix="closecast-bench-") as name, Supervisor() as supervisor:
        folder = Path(name)
        kafka_port, port, metrics_port = free_ports(3)
        supervisor.start(noida_broker(folder / "kafka", kafka_port, log=folder / "kafka.log"))
        wait_until(lambda: kafka_answers(_HOST, kafka_port), "the broker", _START_S, check=supervisor.require_alive)
        kafka = KafkaSettings(bootstrap_servers=f"{_HOST}:{kafka_port}", partitions=4)
        publish(kafka, quotes)
        own = {f"CLOSECAST_PREDICTOR_{key}": value for key, value in settings.items()}
        variables = {
            "CLOSECAST_KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap_servers,
            "CLOSECAST_KAFKA_PARTITIONS": "4",
            "CLOSECAST_METRICS_PORT": str(metrics_port),
            "CLOSECAST_MLFLOW_TRACKING_URI": mlflow.tracking_uri,
            "CLOSECAST_MLFLOW_MODEL": mlflow.model,
            "CLOSECAST_PREDICTOR_PORT": str(port),
            "CLOSECAST_PREDICTOR_MAX_REPLICAS": "1",
        }
        command = Command(
            name="predictor",
            arguments=(sys.executable, "-m", "closecast_predictor"),
            log=folder / "predictor.log",
            environment=environment(**(CLIENTS_OF_NOIDA | variables | own)),
            grace_s=30.0,
        )
        supervisor.start(command)
        address = f"http://{_HOST}:{port}"
        wait_until(lambda: http_answers(f"{address}/ready"), "the predictor", _START_S, check=supervisor.require_alive)
        yield System(kafka, address, supervisor, folder)


def _quotes(symbol: str, file: Path, sessions: int) -> list[Quote]:
    calendar = calendar_of("BVMF")
    with file.open(newline="") as lines:
        rows = [row for row in csv.DictReader(lines) if float(row["Volume"] or 0) > 0]
    days = [(date.fromisoformat(row["Date"][:10]), row) for row in rows]
    latest = [(day, row) for day, row in days if calendar.is_session(day)][-sessions:]
    return [
        Quote(
            symbol=symbol,
            session=day,
            exchange="BVMF",
            open=float(row["Open"]),
            high=float(row["High"]),
            low=float(row["Low"]),
            close=float(row["Close"]),
            adjusted_close=float(row["Close"]),
            volume=int(float(row["Volume"])),
            currency="BRL",
            source="csv",
            as_of=calendar.closes_at(day) + timedelta(minutes=30),
        )
        for day, row in latest
    ]
