"""Measures of forecasts against what happened, with utilsforecast's names and definitions.

Each is computed for every symbol and then averaged over symbols, as ``utilsforecast.evaluation.evaluate`` does with
``agg_fn="mean"``; a symbol for which a measure is undefined (its price never moved) is left out of that average. Two of
them are fixed here more narrowly than the library does:

- ``mase`` scales the absolute errors of each horizon by those of the naive forecast for the same horizon and origins,
  so that naive itself scores exactly 1; ``rmae`` is the same ratio with all horizons pooled.
- ``mqloss`` is taken on log returns, so that symbols at 2 and at 2,000 count alike; ``scaled_crps`` is taken on prices.
"""

import math
from collections.abc import Mapping
from typing import Final

import numpy as np

from closecast.forecasting.base import pinball
from closecast.forecasting.series import Floats, Integers
from closecast.horizons import LEVELS, LOWER_80, MEDIAN, UPPER_80

METRICS: Final = (
    "mae",
    "rmse",
    "mape",
    "r2",
    "mase",
    "rmae",
    "mqloss",
    "scaled_crps",
    "coverage_80",
    "coverage_95",
)

_LOWER_95: Final = LEVELS.index(0.025)
_UPPER_95: Final = LEVELS.index(0.975)


def score(quantiles: Floats, actual: Floats, last_close: Floats, series: Integers) -> dict[str, float]:
    """Return every measure of `METRICS`.

    Args:
        quantiles: Forecast prices, ``[forecasts, horizons, levels]``.
        actual: The closes that came, ``[forecasts, horizons]``.
        last_close: The close that each forecast was made from, ``[forecasts]``; it is the naive forecast.
        series: Which symbol each forecast is of, numbered from 0, ``[forecasts]``.
    """
    error = np.abs(actual - quantiles[..., MEDIAN])
    naive_error = np.abs(actual - last_close[:, None])
    log_loss = pinball(np.log(actual / last_close[:, None]), np.log(quantiles / last_close[:, None, None]))
    _, series = np.unique(series, return_inverse=True)
    counts = np.bincount(series)

    def by_symbol(values: Floats) -> Floats:
        """Average over a symbol's forecasts, horizon by horizon."""
        flat = values.reshape(*values.shape[:2], -1).mean(axis=2)
        totals = [np.bincount(series, weights=column) for column in flat.T]
        return np.stack(totals, axis=1) / counts[:, None]

    by_horizon, naive_by_horizon = by_symbol(error), by_symbol(naive_error)
    mean_error, mean_naive_error = by_horizon.mean(axis=1), naive_by_horizon.mean(axis=1)
    squared = by_symbol(error**2).mean(axis=1)
    mean_actual = by_symbol(actual).mean(axis=1)
    spread = by_symbol((actual - mean_actual[series, None]) ** 2).mean(axis=1)
    measures = {
        "mae": mean_error,
        "rmse": np.sqrt(squared),
        "mape": by_symbol(error / actual),
        "r2": 1 - _ratio(squared, spread),
        "mase": _ratio(by_horizon, naive_by_horizon),
        "rmae": _ratio(mean_error, mean_naive_error),
        "mqloss": by_symbol(log_loss),
        "scaled_crps": 2 * by_symbol(pinball(actual, quantiles)).mean(axis=1) / mean_actual,
        "coverage_80": by_symbol(_inside(actual, quantiles, LOWER_80, UPPER_80)),
        "coverage_95": by_symbol(_inside(actual, quantiles, _LOWER_95, _UPPER_95)),
    }
    return {name: float(measures[name].mean()) if measures[name].size else float("nan") for name in METRICS}


def finite(metrics: Mapping[str, Mapping[str, float | None]]) -> dict[str, dict[str, float]]:
    """Return the measures that are numbers; JSON knows no others, and writes null in their place."""
    return {
        model: {name: value for name, value in values.items() if value is not None and math.isfinite(value)}
        for model, values in metrics.items()
    }


def _inside(actual: Floats, quantiles: Floats, lower: int, upper: int) -> Floats:
    inside: Floats = ((quantiles[..., lower] <= actual) & (actual <= quantiles[..., upper])).astype(np.float64)
    return inside


def _ratio(above: Floats, below: Floats) -> Floats:
    """Return the ratios that are defined, as one row."""
    ratios: Floats = above[below != 0] / below[below != 0]
    return ratios
