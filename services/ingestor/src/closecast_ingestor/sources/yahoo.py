"""Yahoo Finance through yfinance: polite, and with no error swallowed."""

import json
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from functools import cache
from tempfile import TemporaryDirectory
from typing import Any, Final
from urllib.parse import urlsplit

import numpy as np
import pandas as pd
import yfinance
from curl_cffi.requests import Response, Session
from curl_cffi.requests.exceptions import RequestException
from numpy.typing import NDArray
from pydantic import HttpUrl
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception,
    sleep_using_event,
    stop_after_attempt,
    stop_when_event_set,
    wait_exponential_jitter,
)
from yfinance.cache import get_tz_cache
from yfinance.exceptions import YFPricesMissingError, YFRateLimitError

from closecast.calendars import calendar_of_symbol
from closecast.telemetry.logs import get_logger
from closecast_ingestor import metrics
from closecast_ingestor.adjustments import later_splits
from closecast_ingestor.settings import YahooSettings
from closecast_ingestor.sources.base import PRICE_DECIMALS, Failure, History, Row

_SERVER_ERROR: Final = 500
_PRICES: Final = ("Open", "High", "Low", "Close")
_FIELDS: Final = (*_PRICES, "Adj Close", "Volume", "Dividends", "Stock Splits")
_log = get_logger(__name__)


class Yahoo:
    """Reads daily bars with yfinance, one request a symbol, several at a time.

    Yahoo adjusts prices, volumes and dividends for all later splits; they are given back as they were on the day. To
    know all later splits every request reaches to the present, whatever the end of the range.

    Each symbol is a call of its own rather than one `yfinance.download`, which costs the same requests but reports
    errors to a log alone.

    Args:
        settings: How Yahoo is asked.
        stop: Ends the waits between retries when set.
    """

    name = "yahoo"

    def __init__(self, settings: YahooSettings, stop: threading.Event) -> None:
        _configure_yfinance()
        self._settings = settings
        self._stop = stop
        self._session = _CountingSession(settings.url)

    def symbols(self) -> tuple[str, ...]:
        """Return nothing: Yahoo's universe has no end."""
        return ()

    def histories(self, symbols: Sequence[str], start: date, end: date) -> Iterator[History | Failure]:  # noqa: ARG002
        """Yield for each symbol its bars from `start` to the present, or why there are none.

        Once Yahoo refuses a symbol after all retries because of too many requests, it is asked for no further batch.
        """
        refused = False
        with ThreadPoolExecutor(self._settings.threads, thread_name_prefix="yahoo") as pool:
            for first in range(0, len(symbols), self._settings.batch_size):
                batch = symbols[first : first + self._settings.batch_size]
                if refused or self._stop.is_set():
                    reason = "Yahoo refuses further requests (429)" if refused else "stopped"
                    yield from (Failure(symbol, f"not asked for: {reason}") for symbol in batch)
                    continue
                for answer in pool.map(lambda symbol: self._history(symbol, start), batch):
                    refused |= isinstance(answer, _Refused)
                    yield answer

    def _history(self, symbol: str, start: date) -> History | Failure:
        retrying = Retrying(
            retry=retry_if_exception(_may_pass),
            wait=wait_exponential_jitter(
                multiplier=self._settings.backoff_s, max=self._settings.most_backoff_s, jitter=self._settings.backoff_s
            ),
            stop=stop_after_attempt(1 + self._settings.retries) | stop_when_event_set(self._stop),
            sleep=sleep_using_event(self._stop),
            before_sleep=_tell_retry(symbol),
            reraise=True,
        )
        try:
            bars = retrying(self._bars, symbol, start)
        except YFRateLimitError:
            return _Refused(symbol, f"Yahoo answers 429 (too many requests), {1 + self._settings.retries} times")
        except Exception as error:  # noqa: BLE001 - whatever yfinance raises is this symbol's failure, and is told
            return Failure(symbol, f"{type(error).__name__}: {error}", unknown=_is_unknown(error))
        return History(symbol, origin="yahoo", rows=list(_rows(bars)))

    def _bars(self, symbol: str, start: date) -> pd.DataFrame:
        calendar = calendar_of_symbol(symbol)
        get_tz_cache().store(symbol, calendar.timezone)  # spares yfinance a request for it
        bars: pd.DataFrame = yfinance.Ticker(symbol, session=self._session).history(
            interval="1d",
            start=start,
            end=pd.Timestamp.now(calendar.timezone).date() + timedelta(days=1),  # yfinance's end is exclusive
            auto_adjust=False,
            actions=True,
            timeout=self._settings.timeout_s,
        )
        return bars


class _Refused(Failure):
    """A symbol that Yahoo refused for too many requests."""


class _CountingSession(Session[Response]):
    """A session of curl_cffi, which yfinance asks for, that counts requests and can be pointed at another server."""

    def __init__(self, url: HttpUrl | None) -> None:
        super().__init__(impersonate="chrome")
        self._url = None if url is None else str(url).rstrip("/")

    def request(self, method: Any, url: str, *args: Any, **kwargs: Any) -> Response:  # noqa: ANN401 - as curl_cffi has it
        """Send a request; an answer of 500 and above is an error, which yfinance would read as an empty one."""
        if self._url is not None:
            url = self._url + urlsplit(url).path
        try:
            response = super().request(method, url, *args, **kwargs)
        except RequestException:
            metrics.REQUESTS.labels("yahoo", "failed").inc()
            raise
        metrics.REQUESTS.labels("yahoo", str(response.status_code)).inc()
        if response.status_code >= _SERVER_ERROR:
            raise RequestException(f"Yahoo answers {response.status_code}")
        return response


@cache
def _configure_yfinance() -> TemporaryDirectory[str]:
    """Make yfinance raise its errors, and keep its caches in a folder that goes with the process."""
    yfinance.config.debug.hide_exceptions = False
    warnings.filterwarnings("ignore", category=DeprecationWarning, module="yfinance")
    folder = TemporaryDirectory(prefix="closecast-yfinance-", ignore_cleanup_errors=True)
    yfinance.set_tz_cache_location(folder.name)
    return folder


def _may_pass(error: BaseException) -> bool:
    """Tell whether another try may help."""
    return not _is_unknown(error)


def _is_unknown(error: BaseException) -> bool:
    """Tell whether Yahoo has nothing of a symbol: it says why."""
    return isinstance(error, YFPricesMissingError) and error.yahoo_reason is not None


def _tell_retry(symbol: str) -> Callable[[RetryCallState], None]:
    def tell(state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        cause = "429" if isinstance(error, YFRateLimitError) else "error"
        metrics.RETRIES.labels("yahoo", cause).inc()
        _log.warning(
            "asking Yahoo again", symbol=symbol, attempt=state.attempt_number, wait_s=round(state.upcoming_sleep, 1),
            error=str(error),
        )  # fmt: skip

    return tell


def _rows(bars: pd.DataFrame) -> Iterator[Row]:
    """Yield the bars as they were traded: Yahoo's are adjusted for every later split."""
    columns = {name: bars[name].to_numpy(dtype=float) for name in _FIELDS}
    splits = np.where(columns["Stock Splits"] > 0, columns["Stock Splits"], 1.0)
    shares = later_splits(splits)
    prices = {name: (_exact(columns[name]) * shares).round(PRICE_DECIMALS) for name in _PRICES}
    dividends = (columns["Dividends"] * shares).round(PRICE_DECIMALS)
    volumes = np.rint(columns["Volume"] / shares)
    for index, session in enumerate(pd.DatetimeIndex(bars.index).date):
        yield Row(
            session=session,
            open=float(prices["Open"][index]),
            high=float(prices["High"][index]),
            low=float(prices["Low"][index]),
            close=float(prices["Close"][index]),
            adjusted_close=float(columns["Adj Close"][index]),
            volume=int(volumes[index]),
            original=_as_json(session, {name: float(columns[name][index]) for name in _FIELDS}),
            dividend=float(dividends[index]),
            split=float(splits[index]),
        )


def _exact(prices: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the decimals that Yahoo's 32-bit prices stand for: 182.63, not 182.6300048828125."""
    return prices.astype(np.float32).astype(str).astype(np.float64)


def _as_json(session: date, values: dict[str, float]) -> bytes:
    named = {name: None if np.isnan(value) else value for name, value in values.items()}
    return json.dumps({"Date": session.isoformat(), **named}).encode()
