"""What chance allows: errors of means over forecasts that overlap, and what follows from them."""

import math
from typing import Final

import numpy as np
from scipy import stats  # type: ignore[import-untyped]

from closecast.forecasting.series import Floats

_CONFIDENCE: Final = 0.95


def standard_error(values: Floats, ahead: int) -> float:
    """Return the standard error of a mean of values that overlap in time.

    The long-run variance of Diebold and Mariano (Journal of Business & Economic Statistics 13, 1995) with the
    small-sample correction of Harvey, Leybourne and Newbold (International Journal of Forecasting 13, 1997). Where the
    rectangular window of autocovariances gives no positive variance, Bartlett's is used.

    Args:
        values: One for each origin session, in order of time.
        ahead: Origins that a forecast reaches over: autocovariances up to ``ahead - 1`` count.

    Returns:
        NaN if there are too few values to tell; 0 if they never differ.
    """
    count = len(values)
    if count <= 2 * max(ahead, 1):
        return float("nan")
    lags = ahead - 1
    centered = values - values.mean()
    covariances = np.array([centered[lag:] @ centered[: count - lag] / count for lag in range(lags + 1)])
    variance = covariances[0] + 2 * covariances[1:].sum()
    if variance <= 0:
        variance = covariances[0] + 2 * (covariances[1:] * (1 - np.arange(1, lags + 1) / (lags + 1))).sum()
    if variance <= 0:
        return 0.0
    correction = np.sqrt((count + 1 - 2 * ahead + ahead * (ahead - 1) / count) / count)
    return float(np.sqrt(variance / count) / correction)


def diebold_mariano(difference: Floats, ahead: int) -> float:
    """Return the one-sided p-value that a mean loss difference above 0 is chance, from the t distribution.

    Args:
        difference: Loss of the candidate minus loss of the reference, in order of time.
        ahead: As in `standard_error`.

    Returns:
        NaN if there are too few origins to tell; 1 if the losses never differ.
    """
    error = standard_error(difference, ahead)
    if math.isnan(error):
        return error
    mean = difference.mean()
    if error == 0:
        return 0.0 if mean > 0 else 1.0
    return float(stats.t.sf(mean / error, len(difference) - 1))


def reach(values: Floats, ahead: int) -> float:
    """Return how far a 95 % confidence interval reaches from the mean to either side; NaN if there are too few."""
    error = standard_error(values, ahead)
    if math.isnan(error):
        return error
    return float(error * stats.t.ppf((1 + _CONFIDENCE) / 2, len(values) - 1))
