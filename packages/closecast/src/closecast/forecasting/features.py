"""What a model sees of each session: open, high, low, close and volume in units of the symbol's own volatility."""

from collections.abc import Mapping
from typing import Final

import numpy as np

from closecast.forecasting.panel import Panel
from closecast.forecasting.series import Floats
from closecast.forecasting.volatility import ewma, informative_returns

CLOSE_SPANS: Final = (4, 17, 67, 250)
RANGE_SPANS: Final = (2, 5, 17, 67)
SURPRISE_SPANS: Final = (100, 250)
"""Mean ages, in sessions, of what the exponentially weighted means of a name remember: ``1 / (1 - decay)``."""

FEATURES: Final = (
    *(f"close_volatility_{span}" for span in CLOSE_SPANS),
    *(f"range_volatility_{span}" for span in RANGE_SPANS),
    "absolute_return",
    "absolute_return_17",
    "downside_17",
    *(f"surprise_{span}" for span in SURPRISE_SPANS),
    "turnover_5",
    "return",
    "overnight",
    "intraday",
    "position_in_range",
)
"""Names of the features, in the order of the last axis."""

NEED_ONLY_CLOSES: Final = frozenset(
    {
        *(f"close_volatility_{span}" for span in CLOSE_SPANS),
        "absolute_return",
        "absolute_return_17",
        "downside_17",
        *(f"surprise_{span}" for span in SURPRISE_SPANS),
        "return",
    }
)
"""Features that are known where a history has closes only."""

WARM_UP: Final = 320
"""Sessions before those that a model sees, so that its slowest means hardly depend on where a history was cut."""

SETTLED: Final = 128
"""Sessions of a history after which its features tell something."""

_SMALLEST: Final = 1e-4
"""Least volatility in a logarithm, so that a session without a range is very calm and not infinitely so."""

_LARGEST: Final = 10.0
"""A return counts as at most so many standard deviations, as in `ewma_volatility`."""


def compute_features(panel: Panel, volatility: Floats, latest: int | None = None) -> Floats:
    """Return the features of the latest sessions, by default of all, ``[symbols, sessions, len(FEATURES)]``.

    Each uses only its own session and earlier ones, and no other symbol. NaN means unknown: before the first return, or
    where a history has closes only. The volatilities of several ages are the regressors of Corsi (A Simple Approximate
    Long-Memory Model of Realized Volatility, Journal of Financial Econometrics 7, 2009), from daily prices and
    exponentially weighted; they are logarithms of multiples of the symbol's own volatility, so that none tells how wild
    a symbol is.

    Args:
        panel: The histories.
        volatility: Their EWMA volatility, ``[symbols, width]``, see `ewma_volatility`.
        latest: Sessions to return; the others only show in the means.
    """
    returns = informative_returns(panel)
    returns = np.clip(returns, -_LARGEST * volatility, _LARGEST * volatility)
    traded = np.where(np.isnan(returns), np.nan, 1.0)
    overnight = panel.overnight * traded
    intraday = np.log(panel.close / panel.open) * traded
    turnover = np.log(np.where(panel.volume > 0, panel.volume, np.nan) * panel.close)
    range_variance = _parkinson(panel) * traded + overnight**2
    surprise = returns / _yesterday(volatility)

    smoothed = {f"close_volatility_{span}": (returns**2, span) for span in CLOSE_SPANS}
    smoothed |= {f"range_volatility_{span}": (range_variance, span) for span in RANGE_SPANS}
    smoothed |= {f"surprise_{span}": (surprise**2, span) for span in SURPRISE_SPANS}
    smoothed |= {
        "absolute_return_17": (np.abs(returns), 17),
        "downside_17": (np.fmin(returns, 0) ** 2 * traded, 17),
        "turnover_5": (turnover, 5),
        "turnover_33": (turnover, 33),
    }
    latest = min(latest or panel.width, panel.width)
    recent = slice(-latest, None)
    mean = _smooth(smoothed, latest)
    returns, volatility, overnight, intraday = (one[:, recent] for one in (returns, volatility, overnight, intraday))
    spreads = {name: np.sqrt(mean[name]) for name in mean if name.startswith(("close", "range", "downside"))}
    spreads |= {"absolute_return": np.abs(returns), "absolute_return_17": mean["absolute_return_17"]}
    columns = {name: np.log(np.maximum(spread, _SMALLEST) / volatility) for name, spread in spreads.items()}
    columns |= {
        f"surprise_{span}": np.log(np.maximum(mean[f"surprise_{span}"], _SMALLEST)) / 2 for span in SURPRISE_SPANS
    }
    columns |= {
        "turnover_5": mean["turnover_5"] - mean["turnover_33"],
        "return": returns / volatility,
        "overnight": overnight / volatility,
        "intraday": intraday / volatility,
        "position_in_range": _position_in_range(panel)[:, recent],
    }
    return np.stack([columns[name] for name in FEATURES], axis=2)


def _smooth(values: Mapping[str, tuple[Floats, float]], latest: int) -> dict[str, Floats]:
    """Return the latest exponentially weighted means of arrays ``[symbols, width]`` with their mean ages."""
    arrays = np.stack([array for array, _ in values.values()])
    means = ewma(arrays, np.array([1 - 1 / span for _, span in values.values()]), latest)
    return dict(zip(values, means, strict=True))


def _yesterday(volatility: Floats) -> Floats:
    """Return the volatility that was known before each session; the first is NaN."""
    before = np.full_like(volatility, np.nan)
    before[:, 1:] = volatility[:, :-1]
    return before


def _parkinson(panel: Panel) -> Floats:
    """Return the variance of each session from its range (Parkinson, Journal of Business 53, 1980)."""
    variance: Floats = np.log(panel.high / panel.low) ** 2 / (4 * np.log(2))
    return variance


def _position_in_range(panel: Panel) -> Floats:
    """Return where in the session's range it closed, from -0.5 at the low to 0.5 at the high; NaN without a range."""
    span = panel.high - panel.low
    position: Floats = (panel.close - panel.low) / np.where(span > 0, span, np.nan) - 0.5
    return position
