"""The embedded parts as commands, and the environment that every child gets."""

import os
import sys
from pathlib import Path
from typing import Final

from closecast_local.processes import Command

HOST: Final = "127.0.0.1"

_OFFLINE: Final = {
    "DO_NOT_TRACK": "true",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
    "RAY_USAGE_STATS_ENABLED": "0",
    "NO_PROXY": "127.0.0.1,localhost",
    "no_proxy": "127.0.0.1,localhost",
}
"""Nothing calls home, nothing goes through a proxy, nothing is unpickled."""

CLIENTS_OF_NOIDA: Final = {"CLOSECAST_KAFKA_LONGEST_PAUSE_MS": "500"}
"""What services need to know of the embedded broker: it answers at once that there is nothing new."""

_LEADING_ELSEWHERE: Final = ("CLOSECAST_", "MLFLOW_", "RAY_", "PROMETHEUS_")


def environment(**variables: str) -> dict[str, str]:
    """Return the environment of a child: this process's without settings that lead elsewhere, plus those given."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(_LEADING_ELSEWHERE)}
    return inherited | _OFFLINE | variables


def program(name: str) -> str:
    """Return the path of a command that is installed beside this Python."""
    return str(Path(sys.executable).with_name(name))


def mlflow_server(folder: Path, port: int, *, log: Path) -> Command:
    """Return the command of an MLflow server: runs and registry in SQLite, artifacts served from a folder beside it."""
    return Command(
        name="mlflow",
        arguments=(
            sys.executable,
            "-m",
            "mlflow",
            "server",
            f"--backend-store-uri=sqlite:///{folder / 'mlflow.db'}",
            "--serve-artifacts",
            f"--artifacts-destination={folder / 'artifacts'}",
            f"--host={HOST}",
            f"--port={port}",
            "--workers=1",
        ),
        log=log,
        environment=environment(MLFLOW_SERVER_ENABLE_JOB_EXECUTION="false"),
        folder=folder,
    )


def noida_broker(folder: Path, port: int, *, log: Path) -> Command:
    """Return the command of an embedded broker that speaks Kafka's protocol and keeps its data in a folder."""
    return Command(
        name="broker",
        arguments=(
            program("noida-db"),
            "start",
            "--only",
            "kafka",
            "--kafka-port",
            str(port),
            "--data-dir",
            str(folder),
        ),
        log=log,
        environment=environment(),
    )
