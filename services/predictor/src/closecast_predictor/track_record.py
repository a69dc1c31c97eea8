"""How the forecasts of a symbol have fared, horizon by horizon."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from closecast.forecasting.series import Sessions
from closecast.horizons import HORIZONS
from closecast_predictor.scoring import PastForecast
from closecast_predictor.windows import Window


@dataclass(frozen=True, slots=True)
class HorizonScore:
    """The live error at one horizon; none of the measures where nothing has been scored.

    Attributes:
        horizon: Sessions ahead.
        scored: Forecasts that were made before their session closed, and whose close has come.
        late: Forecasts that were made after it, in a replay or a backlog; they count for nothing else here.
        mae: Mean absolute error of the median, in the currency of the prices.
        mape: The same as a share of the close.
        naive_mape: Mean absolute error of "the close stays where it is", as a share of the close.
        skill: 1 - mape / naive_mape.
        coverage_80: Share of closes that lay in the 80 % interval.
    """

    horizon: int
    scored: int
    late: int
    mae: float | None = None
    mape: float | None = None
    naive_mape: float | None = None
    skill: float | None = None
    coverage_80: float | None = None


@dataclass(frozen=True, slots=True)
class SymbolScores:
    """The live error of one symbol at every horizon."""

    symbol: str
    horizons: tuple[HorizonScore, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """One forecast of one close, and the close once it has come; prices in the shares of the latest session.

    Attributes:
        origin: Latest session that the forecast knew.
        session: The session that it is about.
        horizon: Sessions between the two.
        version: The version that spoke.
        live: Whether it was made before the session closed.
        median: The median.
        lower_80: Lower bound of the 80 % interval.
        upper_80: Upper bound of the 80 % interval.
        actual: The close; none until it has come.
    """

    origin: date
    session: date
    horizon: int
    version: str
    live: bool
    median: float
    lower_80: float
    upper_80: float
    actual: float | None


class TrackRecord:
    """The forecasts of one symbol beside the closes that came.

    Args:
        forecasts: The forecasts, in the order of their origins.
        window: The symbol's sessions.
    """

    def __init__(self, forecasts: Sequence[PastForecast], window: Window) -> None:
        self._symbol = window.symbol
        self._forecasts = forecasts
        shape = (len(forecasts), HORIZONS)
        self._sessions: Sessions = np.array([one.sessions for one in forecasts], dtype="datetime64[D]").reshape(shape)
        origins = np.array([one.origin for one in forecasts], dtype="datetime64[D]")
        known = np.array([one.known_until for one in forecasts], dtype="datetime64[D]")
        shares = window.shares_after(origins)[:, None]
        prices = np.array([one.prices for one in forecasts]).reshape(len(forecasts), 3, HORIZONS)
        self._lower, self._median, self._upper = (prices[:, at] / shares for at in range(3))
        self._naive = np.array([one.last_close for one in forecasts]) / shares[:, 0]
        self._live: NDArray[np.bool_] = self._sessions > known[:, None]
        self._actual = window.closes_of(self._sessions)
        self._kept: NDArray[np.bool_] = self._sessions >= np.datetime64(window.first_session, "D")

    def scores(self) -> SymbolScores:
        """Return the live error at every horizon."""
        return SymbolScores(self._symbol, tuple(self._score(at) for at in range(HORIZONS)))

    def outcomes(self, *, late: bool) -> Iterator[Outcome]:
        """Yield every forecast of every close that is still kept or has not come, by origin and horizon.

        Args:
            late: Whether to yield those too that were made after their session had closed.
        """
        for row, forecast in enumerate(self._forecasts):
            for at in range(HORIZONS):
                live, actual = bool(self._live[row, at]), float(self._actual[row, at])
                if self._kept[row, at] and (live or late):
                    yield Outcome(
                        origin=forecast.origin,
                        session=self._sessions[row, at].item(),
                        horizon=at + 1,
                        version=forecast.version,
                        live=live,
                        median=float(self._median[row, at]),
                        lower_80=float(self._lower[row, at]),
                        upper_80=float(self._upper[row, at]),
                        actual=None if np.isnan(actual) else actual,
                    )

    def _score(self, at: int) -> HorizonScore:
        closed, live = ~np.isnan(self._actual[:, at]), self._live[:, at]
        counted, late = closed & live, int((closed & ~live).sum())
        if not counted.any():
            return HorizonScore(at + 1, 0, late)
        columns = (self._actual, self._lower, self._median, self._upper)
        actual, lower, median, upper = (column[counted, at] for column in columns)
        error, naive_error = np.abs(median - actual), np.abs(self._naive[counted] - actual)
        mape, naive_mape = float((error / actual).mean()), float((naive_error / actual).mean())
        return HorizonScore(
            horizon=at + 1,
            scored=len(actual),
            late=late,
            mae=float(error.mean()),
            mape=mape,
            naive_mape=naive_mape,
            skill=1 - mape / naive_mape if naive_mape > 0 else None,
            coverage_80=float(((lower <= actual) & (actual <= upper)).mean()),
        )
