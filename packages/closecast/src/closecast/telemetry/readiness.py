"""Whether this process can do its work, or what it waits for: for /readyz beside its metrics."""

import json
import threading
from collections.abc import Iterable
from http import HTTPStatus
from typing import Final
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

LIVE: Final = "/livez"
READY: Final = "/readyz"
KAFKA: Final = "Kafka"
MLFLOW: Final = "MLflow"


class Readiness:
    """What a process needs and does not have; it is ready while that is nothing. Any thread may tell and ask."""

    def __init__(self) -> None:
        self._missing: dict[str, str] = {}
        self._lock = threading.Lock()

    @property
    def missing(self) -> dict[str, str]:
        """What is missing, each with the reason."""
        with self._lock:
            return dict(self._missing)

    def lost(self, what: str, reason: str) -> None:
        """Take in that something is missing."""
        with self._lock:
            self._missing[what] = reason

    def found(self, what: str) -> None:
        """Take in that it is there."""
        with self._lock:
            self._missing.pop(what, None)


READINESS: Final = Readiness()
"""Of this process, as `prometheus_client.REGISTRY` is of its metrics."""


def with_health(app: WSGIApplication, readiness: Readiness) -> WSGIApplication:
    """Return the application with /livez and /readyz before it."""

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO")
        if path not in {LIVE, READY}:
            return app(environ, start_response)
        missing = readiness.missing if path == READY else {}
        status = HTTPStatus.SERVICE_UNAVAILABLE if missing else HTTPStatus.OK
        body = json.dumps({"status": "waiting", "missing": missing} if missing else {"status": "ok"}).encode()
        start_response(f"{status.value} {status.phrase}", [("Content-Type", "application/json")])
        return [body]

    return answer
