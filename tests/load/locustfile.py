"""What a user of the predictor asks, for Locust: forecasts of known symbols, and of histories that come along.

Each user asks `REQUESTS_A_USER` times a second whatever the answers take, and the number of users follows the steps in
`STEPS` (seconds:users, comma separated). Every request goes to the file `REQUESTS` as a line of CSV: time, seconds,
failure.
"""

import csv
import os
import time
from pathlib import Path
from typing import Any, ClassVar

from locust import FastHttpUser, LoadTestShape, constant_throughput, events, task

SYMBOLS = ("AAPL", "FB", "GOOG", "IBM", "MSFT")
HISTORY = [round(100 * 1.001**day * (1 + 0.01 * (day % 7)), 2) for day in range(260)]
_file = Path(os.environ["REQUESTS"]).open("w", buffering=1, newline="", encoding="utf-8")  # noqa: SIM115 - open as long as Locust is
_rows = csv.writer(_file)


class Caller(FastHttpUser):
    """Asks for forecasts."""

    wait_time = constant_throughput(float(os.environ["REQUESTS_A_USER"]))
    connection_timeout = network_timeout = 30.0
    default_headers = {"Host": os.environ["HOST"]}  # noqa: RUF012 - Locust's way to set it

    @task(1)
    def known(self) -> None:
        """Ask about a known symbol."""
        symbol = SYMBOLS[int(time.time() * 1000) % len(SYMBOLS)]
        self.client.post("/predict", json={"symbol": symbol}, name="known symbol")

    @task(2)
    def history(self) -> None:
        """Send closes along."""
        self.client.post("/predict", json={"symbol": "PETR4.SA", "history": HISTORY}, name="history")


class Steps(LoadTestShape):
    """So many users for so long, step by step."""

    steps: ClassVar = [tuple(map(int, step.split(":"))) for step in os.environ["STEPS"].split(",")]

    def tick(self) -> tuple[int, float] | None:
        """Return the number of users now, and how many of them start in a second."""
        elapsed = float(self.get_run_time())  # type: ignore[no-untyped-call]
        for seconds, users in self.steps:
            elapsed -= seconds
            if elapsed < 0:
                return users, float(users)
        return None


def note(response_time: float, exception: Exception | None, **_: Any) -> None:
    """Write a request down."""
    _rows.writerow((f"{time.time():.3f}", f"{response_time / 1000:.5f}", repr(exception) if exception else ""))


def close(**_: Any) -> None:
    """Have all of them in the file."""
    _file.close()


events.request.add_listener(note)  # type: ignore[no-untyped-call]
events.quitting.add_listener(close)  # type: ignore[no-untyped-call]
