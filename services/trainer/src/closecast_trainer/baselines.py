"""What every candidate has to stand beside: naive, drift and EWMA, and the origins that all are judged at."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from closecast.forecasting.base import cumulative_returns, price_quantiles
from closecast.forecasting.panel import Panel
from closecast.forecasting.series import Floats, Integers, Sessions
from closecast.forecasting.spec import Span
from closecast.forecasting.volatility import ewma_volatility
from closecast.horizons import HORIZONS, LEVELS

MINIMUM_HISTORY: Final = 60
"""Sessions that an origin needs behind it, so that a baseline has something to measure volatility on."""

_NORMAL: Final = (-1.959964, -1.281552, -0.674490, 0.0, 0.674490, 1.281552, 1.959964)
"""Quantiles of the standard normal distribution at `LEVELS`."""


@dataclass(frozen=True, slots=True, eq=False)
class Origins:
    """Sessions to forecast from whose next closes are known, `HORIZONS` of them unless others were asked for.

    Attributes:
        rows: Row of the panel, ``[origins]``.
        columns: Column of the panel, ``[origins]``.
        sessions: The session forecast from, ``[origins]``.
        last_close: Its close, ``[origins]``.
        actual: The closes that came, in the share count of the origin and with dividends kept in,
            ``[origins, ahead]``.
    """

    rows: Integers
    columns: Integers
    sessions: Sessions
    last_close: Floats
    actual: Floats

    def __len__(self) -> int:
        return len(self.rows)


def rolling_origins(panel: Panel, span: Span, step: int, *, ahead: int = HORIZONS) -> Origins:
    """Return every `step`-th session of a span as an origin of each symbol that traded on it.

    Args:
        panel: The histories.
        span: The sessions to forecast from.
        step: Sessions, of all symbols together, between two origins.
        ahead: Closes after an origin that have to be known, at most `HORIZONS`.
    """
    targets = cumulative_returns(panel)[:, :, :ahead]
    inside = (panel.sessions >= np.datetime64(span.start)) & (panel.sessions <= np.datetime64(span.end))
    history = np.arange(panel.width)[None, :] - (panel.width - panel.lengths)[:, None] + 1
    usable = inside & (history >= MINIMUM_HISTORY) & ~np.isnan(targets[:, :, -1])
    usable &= np.isin(panel.sessions, np.unique(panel.sessions[usable])[::step])
    rows, columns = np.nonzero(usable)
    last_close = panel.close[rows, columns]
    return Origins(
        rows=rows,
        columns=columns,
        sessions=panel.sessions[rows, columns],
        last_close=last_close,
        actual=last_close[:, None] * np.exp(targets[rows, columns]),
    )


def naive(panel: Panel, origins: Origins) -> Floats:
    """Forecast that nothing changes, with normal intervals from the standard deviation of all returns so far.

    Returns:
        Price quantiles, ``[origins, HORIZONS, levels]``, as do the other baselines.
    """
    return price_quantiles(origins.last_close, _spread_so_far(panel, origins), _normal(len(origins)))


def drift(panel: Panel, origins: Origins) -> Floats:
    """Forecast that the mean return of the whole history goes on (Hyndman and Athanasopoulos, FPP3, 5.2)."""
    quantiles = naive(panel, origins)
    count, total, _ = _sums_so_far(panel, origins)
    ahead = (total / count)[:, None] * np.arange(1, HORIZONS + 1)
    drifted: Floats = quantiles * np.exp(ahead)[:, :, None]
    return drifted


def ewma(panel: Panel, origins: Origins) -> Floats:
    """Forecast that nothing changes, with normal intervals from EWMA volatility (RiskMetrics, 1996)."""
    volatility = ewma_volatility(panel)[origins.rows, origins.columns]
    return price_quantiles(origins.last_close, volatility, _normal(len(origins)))


def _normal(count: int) -> Floats:
    return np.broadcast_to(np.array(_NORMAL), (count, HORIZONS, len(LEVELS)))


def _spread_so_far(panel: Panel, origins: Origins) -> Floats:
    count, total, squares = _sums_so_far(panel, origins)
    variance = squares / count - (total / count) ** 2
    spread: Floats = np.sqrt(np.maximum(variance, 1e-12))
    return spread


def _sums_so_far(panel: Panel, origins: Origins) -> tuple[Floats, Floats, Floats]:
    """Return number, sum and sum of squares of each origin's returns up to and with its own session."""
    known = ~np.isnan(panel.log_return)
    returns = np.where(known, panel.log_return, 0.0)
    at = (origins.rows, origins.columns)
    sums = (np.cumsum(values, axis=1, dtype=np.float64)[at] for values in (known, returns, returns**2))
    count, total, squares = sums
    return count, total, squares
