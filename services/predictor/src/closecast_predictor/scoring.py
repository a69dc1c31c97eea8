"""Keeps the forecasts of the latest days, and judges them by the closes that come."""

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from typing import Final

import numpy as np

from closecast.calendars import calendar_of
from closecast.events import Forecast, Quote
from closecast.forecasting.series import Floats, Sessions
from closecast.horizons import HORIZONS, LOWER_80, MEDIAN, UPPER_80
from closecast_predictor import metrics
from closecast_predictor.windows import Window

DEFAULT_SCORE_DAYS: Final = 120
"""Days of forecasts that are scored unless the settings say otherwise."""

_EPOCH: Final = date(1970, 1, 1).toordinal()
_LEVELS: Final = [LOWER_80, MEDIAN, UPPER_80]


@dataclass(frozen=True, slots=True)
class Score:
    """How one forecast of one close came out; errors are shares of the actual close.

    Attributes:
        symbol: The symbol.
        session: The session that was forecast.
        horizon: Sessions between the forecast and that session.
        model: Name of the registered model that had spoken.
        version: Its version.
        error: Absolute error of the median.
        naive_error: Absolute error of "the close stays where it is".
        covered: Whether the close lay in the 80 % interval.
    """

    symbol: str
    session: date
    horizon: int
    model: str
    version: str
    error: float
    naive_error: float
    covered: bool


@dataclass(frozen=True, slots=True, eq=False)
class PastForecast:
    """What is kept of a forecast: prices in the currency and share count of its origin.

    Attributes:
        origin: Latest session that it knew.
        made_at: When it was made.
        model: Name of the registered model that spoke.
        version: Its version.
        known_until: The latest session that had closed by then, whether its quote had come or not.
        last_close: Close of the origin.
        sessions: The sessions that it is about, ``[horizons]``.
        prices: Lower bound of the 80 % interval, median and upper bound, ``[3, horizons]``.
    """

    origin: date
    made_at: datetime
    model: str
    version: str
    known_until: date
    last_close: float
    sessions: Sessions
    prices: Floats

    @classmethod
    def of(cls, forecast: Forecast) -> "PastForecast":
        """Keep a forecast.

        Raises:
            ValueError: If it lacks a horizon, or no calendar is known for its exchange.
        """
        if [one.horizon for one in forecast.horizons] != list(range(1, HORIZONS + 1)):
            raise ValueError(f"horizons: are not 1 to {HORIZONS}")
        return cls(
            origin=forecast.origin,
            made_at=forecast.made_at,
            model=forecast.model,
            version=forecast.version,
            known_until=calendar_of(forecast.exchange).last_settled(forecast.made_at),
            last_close=forecast.last_close,
            sessions=_days([one.session for one in forecast.horizons]),
            prices=np.array([one.quantiles for one in forecast.horizons]).T[_LEVELS],
        )


class Scoreboard:
    """The forecasts of the latest days, one for each symbol and origin: the last that was made from it.

    A forecast of a close counts only if it was made before that session closed. A replay of old quotes, or a backlog
    that is caught up with, is forecast from origins whose next closes have long been known.

    Args:
        days: Days that a forecast is kept after it was made.
    """

    def __init__(self, days: int = DEFAULT_SCORE_DAYS) -> None:
        self._days = timedelta(days=days)
        self._made: dict[str, dict[date, PastForecast]] = defaultdict(dict)
        for horizon in range(1, HORIZONS + 1):
            # The first score is an increase only of series that were there before.
            for metric in (metrics.PREDICTION_ERROR, metrics.NAIVE_ERROR, metrics.SCORED, metrics.COVERED):
                metric.labels(str(horizon))

    @property
    def since(self) -> datetime:
        """The day, from midnight UTC on, whose forecasts are the oldest that count."""
        return datetime.combine(datetime.now(UTC).date() - self._days, time(), UTC)

    def note(self, forecast: Forecast) -> None:
        """Keep a forecast; it replaces an earlier one from the same origin.

        Raises:
            ValueError: If it lacks a horizon, or no calendar is known for its exchange.
        """
        kept = PastForecast.of(forecast)
        made, since = self._made[forecast.symbol], self.since
        made.pop(forecast.origin, None)
        made[forecast.origin] = kept
        for origin in [origin for origin, one in islice(made.items(), 2) if one.made_at < since]:
            del made[origin]

    def forecasts(self, symbol: str) -> list[PastForecast]:
        """Return the forecasts of a symbol that count, in the order of their origins."""
        since = self.since
        return sorted(
            (one for one in self._made.get(symbol, {}).values() if one.made_at >= since), key=lambda one: one.origin
        )

    def close(self, quote: Quote, window: Window) -> Iterator[Score]:
        """Yield the scores of the forecasts of this quote's close.

        Args:
            quote: The close that has arrived.
            window: The symbol's sessions, this one included: splits since a forecast change what its price means.
        """
        latest = islice(reversed(self._made.get(quote.symbol, {}).values()), HORIZONS)
        for one in latest:
            if one.known_until < quote.session and one.origin < quote.session:
                at = int(np.searchsorted(one.sessions, np.datetime64(quote.session, "D")))
                if at < len(one.sessions) and one.sessions[at].item() == quote.session:
                    yield _score(quote.symbol, at, one, quote.close * window.shares_since(one.origin, quote.session))

    def latest(self, window: Window, sessions: int) -> list[Score]:
        """Return the scores of a symbol's forecasts one session ahead, of at most so many sessions.

        They are drawn up anew from the quotes that there are now, corrections and splits included.

        Args:
            window: The symbol's sessions.
            sessions: How many of the latest, the one that has not closed yet aside.
        """
        made = self.forecasts(window.symbol)[-sessions - 1 :]
        origins, targets = _days([one.origin for one in made]), np.array([one.sessions[0] for one in made], "M8[D]")
        closes = window.closes_of(targets) * window.shares_after(origins)
        return [
            _score(window.symbol, 0, one, close)
            for one, close, session in zip(made, closes.tolist(), targets.tolist(), strict=True)
            if one.known_until < session and not math.isnan(close)
        ][-sessions:]


def _days(dates: list[date]) -> Sessions:
    """Return dates as an array, five times as quickly as numpy makes one of them."""
    return (np.array([day.toordinal() for day in dates]) - _EPOCH).view("datetime64[D]")


def count(scores: Iterable[Score]) -> None:
    """Count scores into the metrics."""
    for score in scores:
        horizon = str(score.horizon)
        metrics.PREDICTION_ERROR.labels(horizon).observe(score.error)
        metrics.NAIVE_ERROR.labels(horizon).observe(score.naive_error)
        metrics.SCORED.labels(horizon).inc()
        metrics.COVERED.labels(horizon).inc(score.covered)


def _score(symbol: str, at: int, forecast: PastForecast, actual: float) -> Score:
    lower, median, upper = forecast.prices[:, at].tolist()
    return Score(
        symbol=symbol,
        session=forecast.sessions[at].item(),
        horizon=at + 1,
        model=forecast.model,
        version=forecast.version,
        error=abs(median - actual) / actual,
        naive_error=abs(forecast.last_close - actual) / actual,
        covered=lower <= actual <= upper,
    )
