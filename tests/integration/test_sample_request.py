"""The requests that `closecast sample-request` writes, and the predictor that they are for."""

import json
import re
import shlex
import subprocess
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from services.predictor.tests.support import serving_of
from starlette.testclient import TestClient

from closecast_local.commands import program
from closecast_predictor.api.app import build_app
from closecast_predictor.api.edge import Edge
from closecast_predictor.api.routes.context import Context

Write = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
        command = [program("closecast"), "sample-request", *arguments]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, check=False, text=True)

    return run


def answers(lines: str, folder: Path) -> list[Any]:
    """Send what each line of curl sends, and return the answers."""
    serving = serving_of("VALE3.SA")
    client = TestClient(Edge(build_app(Context(serving, _nobody())), serving))
    found = []
    for line in lines.splitlines():
        curl, silent, url, header, content_type, data, file = shlex.split(line)
        assert (curl, silent, header, data, file[0]) == ("curl", "-s", "-H", "--data-binary", "@")
        path = re.sub(r"^http://127.0.0.1:\d+", "", url)
        headers = dict([content_type.split(": ")])
        found.append(client.post(path, content=(folder / file[1:]).read_bytes(), headers=headers))
    return found


def _nobody() -> Any:
    """Return a desk that nobody may ask: a history is answered without it."""
    return None


@pytest.mark.parametrize("symbol", ["AAPL", "msft"])
def test_both_forms_are_answered_alike(write: Write, tmp_path: Path, symbol: str) -> None:
    done = write(symbol, "--horizon", "3")
    assert (done.returncode, done.stderr) == (0, "")

    by_json, by_csv = answers(done.stdout, tmp_path)

    assert (by_json.status_code, by_csv.status_code) == (200, 200), (by_json.text, by_csv.text)
    assert by_json.json()["symbol"] == symbol.upper()
    assert by_json.json()["origin"] == "2013-03-01"
    assert len(by_json.json()["forecast"]) == 3
    assert by_csv.json()["forecast"] == by_json.json()["forecast"]


def test_the_sessions_are_real_and_free_of_splits(write: Write, tmp_path: Path) -> None:
    assert write("AAPL", "--sessions", "3000", "--output", "out").returncode == 0
    body = json.loads((tmp_path / "out" / "AAPL.json").read_text())
    closes = [row["close"] for row in body["history"]]
    assert closes[-1] == 430.47
    assert len(closes) == 3000
    assert max(abs(after / before - 1) for before, after in pairwise(closes)) < 0.3
    assert (tmp_path / "out" / "AAPL.csv").read_text().startswith("Date,Open,High,Low,Close,Volume\n")


def test_own_files_will_do(write: Write, tmp_path: Path) -> None:
    folder = tmp_path / "quotes"
    folder.mkdir()
    lines = (tmp_path / "quotes" / "PETR4.SA.csv").open("w")
    with lines:
        lines.write("Date,Close\n")
        lines.writelines(f"2024-07-{day:02},{30 + day}\n" for day in range(1, 32) if day % 7 not in {6, 0})
    done = write("petr4", "--csv", "quotes", "--sessions", "30", "--port", "8123")
    assert done.returncode == 0, done.stderr
    assert "http://127.0.0.1:8123/predict" in done.stdout
    assert json.loads((tmp_path / "PETR4.SA.json").read_text())["history"][-1]["close"] == 61


@pytest.mark.parametrize(
    ("arguments", "status", "told"),
    [
        (("NOPE",), 1, r"closecast: no quotes of NOPE: the sample holds AAPL, FB, GOOG, IBM, MSFT only\n"),
        (("AAPL", "--csv", "nowhere"), 1, r"closecast: no quotes of AAPL: .*nowhere is no folder.*\n"),
        (("../../etc",), 2, r"closecast sample-request: symbol: .* is not a symbol.*\n"),
        (("AAPL", "--horizon", "11"), 2, r"closecast sample-request: horizon: .*\n"),
    ],
)
def test_a_fault_is_told_in_one_line(write: Write, arguments: tuple[str, ...], status: int, told: str) -> None:
    done = write(*arguments)
    assert done.returncode == status
    assert re.fullmatch(told, done.stderr), done.stderr
