"""Ready requests for the predictor, made of real quotes."""

import csv
import json
import shlex
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

from closecast_local.commands import HOST, environment, program
from closecast_local.settings import SampleRequestSettings

_TIMEOUT_S: Final = 120.0
_PRICE_DECIMALS: Final = 6
_HEADER: Final = ("Date", "Open", "High", "Low", "Close", "Volume")


class NoSampleError(RuntimeError):
    """There are no quotes to make a request of; the message says why."""


@dataclass(frozen=True, slots=True)
class Session:
    """One session, adjusted for splits and dividends so that the last close is the real one.

    Attributes:
        date: Trading day, ISO 8601.
        open: First price.
        high: Highest price.
        low: Lowest price.
        close: Last price.
        volume: Shares traded.
    """

    date: str
    open: float
    high: float
    low: float
    close: float
    volume: int


def write_sample_request(settings: SampleRequestSettings) -> str:
    """Write the bodies of a request as JSON and as CSV, and return the lines that send them.

    Raises:
        NoSampleError: If there are no quotes of the symbol.
    """
    with tempfile.TemporaryDirectory(prefix="closecast-") as folder:
        sessions = _read(_download(settings, Path(folder)))[-settings.sessions :]
    settings.output.mkdir(parents=True, exist_ok=True)
    as_json = settings.output / f"{settings.symbol}.json"
    as_csv = settings.output / f"{settings.symbol}.csv"
    body = {"symbol": settings.symbol, "horizon": settings.horizon, "history": [_fields(one) for one in sessions]}
    as_json.write_text(json.dumps(body, indent=1) + "\n")
    with as_csv.open("w", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(_HEADER)
        rows.writerows(_fields(one).values() for one in sessions)
    return _curl_lines(settings, as_json, as_csv)


def _download(settings: SampleRequestSettings, folder: Path) -> Path:
    """Have the ingestor write the settled quotes of the symbol, and return the file."""
    source = ("sample",) if settings.csv is None else ("csv", "--csv-folder", str(settings.csv.absolute()))
    command = (program("closecast-ingestor"), "download", "--source", *source)
    arguments = ("--symbols", settings.symbol, "--output", str(folder))
    done = subprocess.run(  # noqa: S603 - a program of ours, with arguments that were checked
        [*command, *arguments],
        env=environment(CLOSECAST_LOG_FORMAT="json"),
        capture_output=True,
        check=False,
        text=True,
        timeout=_TIMEOUT_S,
    )
    path = folder / f"{settings.symbol}.csv"
    if done.returncode != 0 or not path.exists():
        raise NoSampleError(f"no quotes of {settings.symbol}: {_reason(done.stderr)}")
    return path


def _reason(log: str) -> str:
    """Return the last reason that a log of JSON lines tells, or else its last line."""
    lines = [line for line in log.splitlines() if line.strip()]
    reasons = [event["reason"] for line in lines if line.startswith("{") and "reason" in (event := json.loads(line))]
    return str(reasons[-1]) if reasons else (lines or ["there are none"])[-1]


def _read(path: Path) -> list[Session]:
    with path.open(newline="") as file:
        return [_adjusted(line) for line in csv.DictReader(file)]


def _adjusted(line: dict[str, str]) -> Session:
    factor = float(line["Adj Close"]) / float(line["Close"])
    opened, high, low, close = (round(float(line[name]) * factor, _PRICE_DECIMALS) for name in _HEADER[1:5])
    return Session(line["Date"], opened, high, low, close, round(float(line["Volume"]) / factor))


def _fields(session: Session) -> dict[str, str | float | int]:
    return {name.lower(): getattr(session, name.lower()) for name in _HEADER}


def _curl_lines(settings: SampleRequestSettings, as_json: Path, as_csv: Path) -> str:
    url = f"http://{HOST}:{settings.port}/predict"
    query = urlencode({"symbol": settings.symbol, "horizon": settings.horizon})
    send = ("curl", "-s")
    lines = (
        (*send, url, "-H", "content-type: application/json", "--data-binary", f"@{as_json}"),
        (*send, f"{url}?{query}", "-H", "content-type: text/csv", "--data-binary", f"@{as_csv}"),
    )
    return "\n".join(map(shlex.join, lines)) + "\n"
