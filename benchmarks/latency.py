"""From a quote's publication to its forecast over HTTP, for 100 symbols that close together."""

import http.client
import json
import sys
import time
from typing import Final
from urllib.parse import urlsplit

import numpy as np

from benchmarks.report import Figures, Target, report
from benchmarks.system import System, b3_quotes, running_system
from closecast.events import Quote
from closecast.kafka import Publisher

SYMBOLS: Final = 100
SESSIONS: Final = 420
BURSTS: Final = 10
_PATIENCE_S: Final = 60.0


def main() -> int:
    """Measure, report, and return 0 if the target was met."""
    quotes = b3_quotes(SYMBOLS, SESSIONS)
    upcoming = [[one[at] for one in quotes.values()] for at in range(-1 - BURSTS, 0)]
    with running_system({symbol: one[: -1 - BURSTS] for symbol, one in quotes.items()}) as system:
        watch = Watch(system)
        alone = [delay for quote in upcoming[0] for delay in watch.publish([quote])]
        together = [delay for burst in upcoming[1:] for delay in watch.publish(burst)]
    rows = {"one quote at a time": summary(alone), f"{SYMBOLS} quotes at once": summary(together)}
    worst = max(float(np.percentile(delays, 99)) for delays in (alone, together))
    targets = [Target("p99 from publication to the new forecast, s", worst, 1.0, at_least=False)]
    return 0 if report("latency", f"From a quote to its forecast over HTTP, {SYMBOLS} symbols", rows, targets) else 1


class Watch:
    """Publishes quotes and asks for their symbols over one connection until the forecasts know them.

    Args:
        system: The running predictor.
    """

    def __init__(self, system: System) -> None:
        self._topic = system.kafka.topics.quotes
        self._publisher = Publisher(system.kafka, "benchmark")
        self._connection = http.client.HTTPConnection(urlsplit(system.address).netloc, timeout=10)

    def publish(self, quotes: list[Quote]) -> list[float]:
        """Return for each quote the seconds from handing it to the producer to the first answer that knows it.

        Raises:
            TimeoutError: If one does not come within a minute.
        """
        sent: dict[str, tuple[str, float]] = {}
        for quote in quotes:
            sent[quote.symbol] = str(quote.session), time.perf_counter()
            self._publisher.send(self._topic, quote)
        delays: list[float] = []
        deadline = time.perf_counter() + _PATIENCE_S
        while sent:
            for symbol, (session, since) in list(sent.items()):
                if self._origin(symbol) == session:
                    delays.append(time.perf_counter() - since)
                    del sent[symbol]
            if time.perf_counter() > deadline:
                raise TimeoutError(f"no forecast of {sorted(sent)} after {_PATIENCE_S:g} s")
        self._publisher.flush()
        return delays

    def _origin(self, symbol: str) -> str:
        self._connection.request("GET", f"/forecast/{symbol}?horizon=1")
        answer = self._connection.getresponse().read()
        origin: str = json.loads(answer).get("origin", "")
        return origin


def summary(delays: list[float]) -> Figures:
    """Return the figures of one way to publish."""
    p50, p95, p99 = (float(np.percentile(delays, level)) for level in (50, 95, 99))
    return {"quotes": len(delays), "p50 s": p50, "p95 s": p95, "p99 s": p99, "max s": max(delays)}


if __name__ == "__main__":
    sys.exit(main())
