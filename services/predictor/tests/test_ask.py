"""What `helm test` runs, against a server that answers as the predictor does."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

FORECAST = {"symbol": "AAPL", "forecast": [{"horizon": 1, "median": 430.7}]}


class Predictor(ThreadingHTTPServer):
    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: dict[str, object] = {
            "/readyz": {"symbols": 1},
            "/symbols": {"symbols": [{"symbol": "AAPL"}]},
            "/forecast/AAPL": FORECAST,
            "/predict": FORECAST,
        }
        self.key: str | None = None
        self.asked: list[str] = []
        self.has_no_quotes_yet = False


class Handler(BaseHTTPRequestHandler):
    server: Predictor

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        answer = self.server.answers.get(self.path)
        if self.server.has_no_quotes_yet:
            answer, self.server.has_no_quotes_yet = {"symbols": 0}, False
        refused = self.path != "/readyz" and self.headers.get("authorization") != self.server.key
        status = 404 if answer is None else 401 if self.server.key and refused else 200
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(answer).encode())

    do_POST = do_GET  # noqa: N815 - the name that the server calls


@pytest.fixture
def predictor() -> Iterator[Predictor]:
    with Predictor() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def ask(predictor: Predictor, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"ADDRESS": f"http://127.0.0.1:{predictor.server_port}", "GUARDED": ""} | variables
    return subprocess.run(
        [sys.executable, "-m", "closecast_predictor.ask"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_forecast_passes(predictor: Predictor) -> None:
    assert ask(predictor).returncode == 0
    assert predictor.asked == ["/readyz", "/symbols", "/forecast/AAPL", "/predict"]


def test_it_waits_for_the_first_quotes(predictor: Predictor) -> None:
    predictor.has_no_quotes_yet = True

    assert ask(predictor).returncode == 0
    assert predictor.asked == ["/readyz", "/readyz", "/symbols", "/forecast/AAPL", "/predict"]


def test_no_forecast_fails(predictor: Predictor) -> None:
    predictor.answers["/forecast/AAPL"] = None

    assert ask(predictor).returncode != 0


def test_an_empty_forecast_fails(predictor: Predictor) -> None:
    predictor.answers["/predict"] = FORECAST | {"forecast": []}

    assert ask(predictor).returncode != 0


def test_a_guarded_predictor_must_refuse_strangers(predictor: Predictor) -> None:
    assert ask(predictor, GUARDED="true").returncode != 0, "it answered a stranger"

    predictor.key = "Bearer secret"
    assert ask(predictor, GUARDED="true").returncode == 0
    assert ask(predictor, GUARDED="true", API_KEY="secret").returncode == 0
    assert predictor.asked[-1] == "/predict"
