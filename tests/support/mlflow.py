"""A real MLflow server on SQLite, the same command as the demo's."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final, Self

import pytest

from closecast.ports import free_ports
from closecast_local.commands import mlflow_server
from closecast_local.processes import Child
from closecast_local.readiness import http_answers, wait_until

_START_TIMEOUT_S: Final = 120.0


class MlflowServer:
    """An MLflow server with a registry, runs and artifacts of its own; it runs inside its `with` block.

    Args:
        folder: Folder for its database, artifacts and log.
    """

    def __init__(self, folder: Path) -> None:
        (port,) = free_ports(1)
        self.uri = f"http://127.0.0.1:{port}"
        self._command = mlflow_server(folder, port, log=folder / "mlflow.log")
        self._child: Child | None = None

    def __enter__(self) -> Self:
        self._child = Child(self._command)
        try:
            wait_until(
                lambda: http_answers(f"{self.uri}/health"), "MLflow", _START_TIMEOUT_S, check=self._child.require_alive
            )
        except BaseException:
            self._child.stop()
            raise
        return self

    def __exit__(self, *_exception: object) -> None:
        if self._child is not None:
            self._child.stop()


@pytest.fixture(scope="session")
def mlflow_server_uri(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the address of the MLflow server that the whole session shares; use model names of your own."""
    with MlflowServer(tmp_path_factory.mktemp("mlflow")) as server:
        yield server.uri
