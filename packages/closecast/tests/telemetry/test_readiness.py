import json
import urllib.request
from collections.abc import Iterator
from urllib.error import HTTPError

import pytest
from prometheus_client import CollectorRegistry

from closecast.ports import free_ports
from closecast.telemetry.metrics import MetricsSettings, serve_metrics
from closecast.telemetry.readiness import Readiness


@pytest.fixture
def readiness() -> Readiness:
    return Readiness()


@pytest.fixture
def port(readiness: Readiness) -> Iterator[int]:
    [free] = free_ports(1)
    stop = serve_metrics(MetricsSettings(port=free, host="127.0.0.1"), 0, CollectorRegistry(), readiness)
    yield free
    stop()


def ask(port: int, path: str) -> tuple[int, object]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}") as answer:
            return answer.status, json.load(answer)
    except HTTPError as error:
        return error.code, json.load(error)


def test_a_process_is_ready_while_it_misses_nothing(readiness: Readiness, port: int) -> None:
    assert ask(port, "/readyz") == (200, {"status": "ok"})

    readiness.lost("Kafka", "no broker answers at kafka:9092")
    assert ask(port, "/readyz") == (
        503,
        {"status": "waiting", "missing": {"Kafka": "no broker answers at kafka:9092"}},
    )
    assert ask(port, "/livez") == (200, {"status": "ok"}), "waiting is no reason to be killed"

    readiness.found("Kafka")
    assert ask(port, "/readyz") == (200, {"status": "ok"})


def test_metrics_stay_beside_it(port: int) -> None:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        assert answer.status == 200
