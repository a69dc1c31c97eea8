"""Volatility that follows each symbol: exponentially weighted, causal, safe on thin and broken histories."""

from typing import Final

import numpy as np

from closecast.forecasting.panel import Panel
from closecast.forecasting.series import Floats

DEFAULT_DECAY: Final = 0.94
DEFAULT_VOLATILITY: Final = 0.02

_SETTLED_AFTER: Final = 20
"""Returns after which a symbol's own volatility is trusted to be below the prior."""

_FLOOR: Final = 0.2
"""Lowest volatility, in units of the prior: a price that stands still for a while may still move."""

_CEILING: Final = 0.5
"""Highest daily volatility."""

_OUTLIER: Final = 10.0
"""Returns count as at most this many standard deviations, so that one bad print does not blind a symbol for months."""


def informative_returns(panel: Panel) -> Floats:
    """Return the log returns, NaN where a session had no trade and so tells nothing about volatility."""
    stale = (panel.volume == 0) & (panel.log_return == 0)
    return np.where(stale, np.nan, panel.log_return)


def ewma_volatility(
    panel: Panel,
    decay: float = DEFAULT_DECAY,
    prior: float = DEFAULT_VOLATILITY,
) -> Floats:
    """Return the daily volatility known at the close of each session, ``[symbols, width]``, in log return.

    ``v[t] = decay * v[t-1] + (1 - decay) * r[t]**2`` (J.P. Morgan/Reuters, RiskMetrics Technical Document, 4th ed.,
    1996), started at the prior, with three safeguards: a return counts as at most ten standard deviations, a session
    without trades counts not at all, and a symbol with fewer than 20 returns is never taken to be calmer than the
    prior.

    Args:
        panel: The histories.
        decay: Weight of yesterday's variance, below 1.
        prior: Volatility of a symbol of which nothing is known.
    """
    squared = np.ascontiguousarray((informative_returns(panel) ** 2).T)
    variances = np.empty_like(squared)
    variance = np.full(len(panel), prior**2)
    for t, square in enumerate(squared):
        news = np.fmin(square, _OUTLIER**2 * variance)
        variance = decay * variance + (1 - decay) * np.where(np.isnan(square), variance, news)
        variances[t] = variance
    settled = np.cumsum(~np.isnan(squared), axis=0) >= _SETTLED_AFTER
    floor = np.where(settled, _FLOOR * prior, prior)
    return np.clip(np.sqrt(variances), floor, _CEILING).T


def ewma(values: Floats, decays: Floats) -> Floats:
    """Return exponentially weighted means along the second axis that skip NaN and weigh only what was seen.

    Args:
        values: ``[symbols, width, features]``; NaN where unknown.
        decays: Decay of each feature, ``[features]``.

    Returns:
        The same shape; NaN until a feature has been seen.
    """
    steps = np.ascontiguousarray(np.moveaxis(values, 1, 0))
    seen = ~np.isnan(steps)
    filled = np.where(seen, steps, 0.0)
    total = np.zeros(steps.shape[1:])
    weight = np.zeros(steps.shape[1:])
    means = np.empty_like(steps)
    for t in range(len(steps)):
        retained = np.where(seen[t], decays, 1.0)
        total = retained * total + (1 - retained) * filled[t]
        weight = retained * weight + (1 - retained)
        means[t] = total / np.where(weight == 0, np.nan, weight)
    return np.moveaxis(means, 0, 1)
