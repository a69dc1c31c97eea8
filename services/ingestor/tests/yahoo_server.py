"""A local server that speaks as much of Yahoo's chart API as yfinance uses."""

import json
import threading
from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

import numpy as np

from closecast.calendars import calendar_of_symbol, exchange_of


@dataclass
class Bar:
    """A session as it was traded; None where Yahoo has no value yet."""

    session: date
    close: float | None
    volume: int | None = 1000
    open: float | None = None
    high: float | None = None
    low: float | None = None


@dataclass
class Stock:
    """What the server knows of a symbol: bars as traded, and what happened to its shares."""

    bars: list[Bar]
    dividends: dict[date, float] = field(default_factory=dict)
    splits: dict[date, tuple[int, int]] = field(default_factory=dict)


class YahooServer:
    """Serves `stocks`; `statuses` are answered first, one for each request for prices, `empty` symbols get nothing."""

    def __init__(self) -> None:
        self.stocks: dict[str, Stock] = {}
        self.statuses: list[int] = []
        self.status: int | None = None
        self.empty: set[str] = set()
        self.asked: Counter[str] = Counter()
        self.spans: dict[str, tuple[int, int]] = {}
        self._lock = threading.Lock()
        owner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                status, body = owner._answer(self.path)
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_arguments: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _answer(self, target: str) -> tuple[int, bytes]:
        url = urlsplit(target)
        if url.path == "/v1/test/getcrumb":
            return 200, b"crumb"
        if not url.path.startswith("/v8/finance/chart/"):
            return 200, b""
        symbol = url.path.rpartition("/")[2]
        with self._lock:
            self.asked[symbol] += 1
            status = self.statuses.pop(0) if self.statuses else self.status
        if status is not None:
            return status, b"Too Many Requests" if status == 429 else b"<html>broken</html>"
        query = parse_qs(url.query)
        first, last = int(query["period1"][0]), int(query["period2"][0])
        self.spans[symbol] = first, last
        if symbol in self.empty:
            return 200, json.dumps({"chart": {"result": None, "error": None}}).encode()
        if symbol not in self.stocks:
            error = {"code": "Not Found", "description": "No data found, symbol may be delisted"}
            return 404, json.dumps({"chart": {"result": None, "error": error}}).encode()
        return 200, json.dumps(
            {"chart": {"result": [_chart(symbol, self.stocks[symbol], first)], "error": None}}
        ).encode()


def _chart(symbol: str, stock: Stock, first: int) -> dict[str, Any]:
    """Return the chart as Yahoo gives it: everything adjusted for later splits, prices as 32-bit floats."""
    zone = ZoneInfo(calendar_of_symbol(symbol).timezone)

    def opened(session: date) -> int:
        return int(datetime.combine(session, time(9, 30), zone).timestamp())

    bars = [bar for bar in stock.bars if opened(bar.session) >= first]

    def shares(session: date) -> float:
        """Return how many of today's shares one of that session's has become."""
        return float(np.prod([new / old for day, (new, old) in stock.splits.items() if day > session]))

    def price(bar: Bar, value: float | None) -> float | None:
        return None if value is None else float(np.float32(value / shares(bar.session)))

    closes = [price(bar, bar.close) for bar in bars]
    sides = {
        name: [price(bar, bar.close if getattr(bar, name) is None else getattr(bar, name)) for bar in bars]
        for name in ("open", "high", "low")
    }
    volumes = [None if bar.volume is None else round(bar.volume * shares(bar.session)) for bar in bars]
    events: dict[str, Any] = {}
    if stock.dividends:
        events["dividends"] = {
            str(opened(day)): {"amount": amount / shares(day), "date": opened(day)}
            for day, amount in stock.dividends.items()
        }
    if stock.splits:
        events["splits"] = {
            str(opened(day)): {"date": opened(day), "numerator": new, "denominator": old, "splitRatio": f"{new}:{old}"}
            for day, (new, old) in stock.splits.items()
        }
    return {
        "meta": {
            "currency": exchange_of(symbol).currency,
            "symbol": symbol,
            "instrumentType": "EQUITY",
            "exchangeTimezoneName": str(zone),
            "priceHint": 2,
            "dataGranularity": "1d",
            "range": "",
            "validRanges": ["1d", "5d", "1mo", "max"],
        },
        "timestamp": [opened(bar.session) for bar in bars],
        "events": events,
        "indicators": {
            "quote": [{"close": closes, "volume": volumes, **sides}],
            "adjclose": [{"adjclose": _fold(stock, bars, closes)}],
        },
    }


def _fold(stock: Stock, bars: list[Bar], closes: list[float | None]) -> list[float | None]:
    """Return closes adjusted for dividends, as Yahoo folds them."""
    factor, folded = 1.0, []
    for index in range(len(bars) - 1, -1, -1):
        close = closes[index]
        folded.append(None if close is None else close * factor)
        previous = bars[index - 1].close if index else None
        if previous is not None and (amount := stock.dividends.get(bars[index].session)):
            factor *= 1 - amount / previous
    return folded[::-1]
