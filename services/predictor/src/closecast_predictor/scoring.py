"""Judges forecasts when the close that they were about arrives."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date

from closecast.events import Forecast, Quote
from closecast.horizons import LOWER_80, MEDIAN, UPPER_80
from closecast_predictor.windows import Window


@dataclass(frozen=True, slots=True)
class Score:
    """How one forecast of one close came out; errors are shares of the actual close.

    Attributes:
        symbol: The symbol.
        session: The session that was forecast.
        horizon: Sessions between the forecast and that session.
        version: The version that had spoken.
        error: Absolute error of the median.
        naive_error: Absolute error of "the close stays where it is".
        covered: Whether the close lay in the 80 % interval.
    """

    symbol: str
    session: date
    horizon: int
    version: str
    error: float
    naive_error: float
    covered: bool


@dataclass(frozen=True, slots=True)
class _Expectation:
    origin: date
    version: str
    last_close: float
    lower: float
    median: float
    upper: float


class Scoreboard:
    """Forecasts whose sessions have not closed yet, at most one for each symbol, session and horizon."""

    def __init__(self) -> None:
        self._open: dict[str, dict[tuple[date, int], _Expectation]] = defaultdict(dict)

    def __len__(self) -> int:
        return sum(map(len, self._open.values()))

    def expect(self, forecast: Forecast, known_until: date) -> None:
        """Note a forecast; horizons up to the session `known_until` are past already and left out."""
        expectations = self._open[forecast.symbol]
        for one in forecast.horizons:
            if one.session > known_until:
                expectations[one.session, one.horizon] = _Expectation(
                    origin=forecast.origin,
                    version=forecast.version,
                    last_close=forecast.last_close,
                    lower=one.quantiles[LOWER_80],
                    median=one.quantiles[MEDIAN],
                    upper=one.quantiles[UPPER_80],
                )

    def close(self, quote: Quote, window: Window) -> list[Score]:
        """Return the scores of the forecasts of this quote's close, and forget them.

        Args:
            quote: The close that has arrived.
            window: The symbol's sessions, this one included: splits since a forecast change what its price means.
        """
        expectations = self._open[quote.symbol]
        due = [key for key in expectations if key[0] <= quote.session]
        scores = []
        for session, horizon in due:
            expectation = expectations.pop((session, horizon))
            if session == quote.session:
                actual = quote.close * window.shares_since(expectation.origin, session)
                scores.append(_score(quote, horizon, expectation, actual))
        return scores


def _score(quote: Quote, horizon: int, expectation: _Expectation, actual: float) -> Score:
    return Score(
        symbol=quote.symbol,
        session=quote.session,
        horizon=horizon,
        version=expectation.version,
        error=abs(expectation.median - actual) / actual,
        naive_error=abs(expectation.last_close - actual) / actual,
        covered=expectation.lower <= actual <= expectation.upper,
    )
