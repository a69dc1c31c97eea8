"""What a model sees of each session: open, high, low, close and volume in units of the symbol's own volatility."""

from collections.abc import Mapping
from typing import Final

import numpy as np

from closecast.forecasting.panel import Panel
from closecast.forecasting.series import Floats
from closecast.forecasting.volatility import ewma, informative_returns

FEATURES: Final = (
    "return",
    "overnight",
    "intraday",
    "position_in_range",
    "range_volatility",
    "volume",
    "fast_volatility",
    "slow_volatility",
    "smooth_range_volatility",
    "smooth_overnight_volatility",
    "downside",
    "momentum",
    "volatility_level",
)
"""Names of the features, in the order of the last axis."""

NEED_ONLY_CLOSES: Final = frozenset(
    {"return", "fast_volatility", "slow_volatility", "downside", "momentum", "volatility_level"}
)
"""Features that are known where a history has closes only."""

WARM_UP: Final = 128
"""Sessions that the smoothed features need before the first that a model sees."""

_FAST: Final = 0.75
_RANGE: Final = 0.94
_SLOW: Final = 0.985
_SMALLEST: Final = 1e-4
"""Least volatility in a logarithm, so that a session without a range is very calm and not infinitely so."""


def compute_features(panel: Panel, volatility: Floats) -> Floats:
    """Return the features of each session, ``[symbols, width, len(FEATURES)]``.

    Each uses only its own session and earlier ones, and no other symbol. NaN means unknown: before the first return, or
    where a history has closes only.

    Args:
        panel: The histories.
        volatility: Their EWMA volatility, ``[symbols, width]``, see `ewma_volatility`.
    """
    returns = informative_returns(panel)
    traded = np.where(np.isnan(returns), np.nan, 1.0)
    intraday = np.log(panel.close / panel.open)
    log_range = np.log(panel.high / panel.low)
    overnight = panel.overnight * traded
    turnover = np.log(np.where(panel.volume > 0, panel.volume, np.nan) * panel.close)
    range_variance = _garman_klass(log_range, intraday) * traded

    smoothed = {
        "fast": (returns**2, _FAST),
        "slow": (returns**2, _SLOW),
        "range": (range_variance, _RANGE),
        "gap": (overnight**2, _RANGE),
        "down": (np.fmin(returns, 0) ** 2 * traded, _RANGE),
        "trend": (returns, _RANGE),
        "turnover": (turnover, _RANGE),
    }
    means = ewma(
        np.stack([values for values, _ in smoothed.values()], axis=2),
        np.array([decay for _, decay in smoothed.values()]),
    )
    mean = {name: means[:, :, column] for column, name in enumerate(smoothed)}
    ratio = _log_ratios(
        {name: np.sqrt(mean[name]) for name in ("fast", "slow", "range", "gap", "down")}
        | {"session": _parkinson(log_range) * traded},
        volatility,
    )
    columns = {
        "return": returns / volatility,
        "overnight": overnight / volatility,
        "intraday": intraday * traded / volatility,
        "position_in_range": _position_in_range(panel),
        "range_volatility": ratio["session"],
        "volume": turnover - mean["turnover"],
        "fast_volatility": ratio["fast"],
        "slow_volatility": ratio["slow"],
        "smooth_range_volatility": ratio["range"],
        "smooth_overnight_volatility": ratio["gap"],
        "downside": ratio["down"],
        "momentum": mean["trend"] / volatility,
        "volatility_level": np.log(np.where(np.isnan(panel.log_return), np.nan, volatility)),
    }
    return np.stack([columns[name] for name in FEATURES], axis=2)


def _log_ratios(spreads: Mapping[str, Floats], volatility: Floats) -> dict[str, Floats]:
    """Return the logarithm of each volatility as a multiple of the symbol's own; NaN where unknown."""
    stacked = np.stack(list(spreads.values()))
    ratios = np.log(np.maximum(stacked, _SMALLEST) / volatility)
    return dict(zip(spreads, ratios, strict=True))


def _parkinson(log_range: Floats) -> Floats:
    """Return the volatility of one session from its range (Parkinson, Journal of Business 53, 1980)."""
    volatility: Floats = log_range / np.sqrt(4 * np.log(2))
    return volatility


def _garman_klass(log_range: Floats, intraday: Floats) -> Floats:
    """Return the variance of one session from its prices (Garman and Klass, Journal of Business 53, 1980)."""
    variance: Floats = 0.5 * log_range**2 - (2 * np.log(2) - 1) * intraday**2
    return variance


def _position_in_range(panel: Panel) -> Floats:
    """Return where in the session's range it closed, from -0.5 at the low to 0.5 at the high; NaN without a range."""
    span = panel.high - panel.low
    position: Floats = (panel.close - panel.low) / np.where(span > 0, span, np.nan) - 0.5
    return position
