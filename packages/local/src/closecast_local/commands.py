"""The embedded parts as commands: Kafka-protocol broker and MLflow server."""

import os
import sys
from pathlib import Path
from typing import Final

from closecast_local.processes import Command

HOST: Final = "127.0.0.1"

OFFLINE: Final = {
    "DO_NOT_TRACK": "true",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
    "RAY_USAGE_STATS_ENABLED": "0",
    "NO_PROXY": "127.0.0.1,localhost",
    "no_proxy": "127.0.0.1,localhost",
}
"""Environment of every child: nothing calls home, nothing goes through a proxy, nothing is unpickled."""


def environment(**variables: str) -> dict[str, str]:
    """Return the environment of a child: this process's without Closecast's own settings, plus those given."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("CLOSECAST_")}
    return inherited | OFFLINE | variables


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
            str(Path(sys.executable).with_name("noida-db")),
            "start",
            "--only",
            "kafka",
            "--kafka-port",
            str(port),
            "--data-dir",
            str(folder),
        ),
        log=log,
    )
