"""Volatility that follows each symbol: exponentially weighted, causal, safe on thin and broken histories."""

from functools import lru_cache
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

_OUTLIER: Final = 10.0**2
"""Squared returns count as at most so many variances, so that one bad print does not blind a symbol for months."""

_REMEMBERED: Final = 64
"""Lengths of histories whose discounts are kept."""

_FEW: Final = 16
"""Symbols up to which plain floats are quicker than arrays of so few."""


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
    squared = informative_returns(panel) ** 2
    seen = ~np.isnan(squared)
    squared = np.where(seen, squared, 0.0)
    kept = np.where(seen, decay, 1.0)
    variances = (_variances_one_by_one if len(panel) <= _FEW else _variances)(squared, kept, prior**2)
    settled = np.cumsum(seen, axis=1) >= _SETTLED_AFTER
    floor = np.where(settled, _FLOOR * prior, prior)
    return np.clip(np.sqrt(variances), floor, _CEILING)


def _variances(squared: Floats, kept: Floats, start: float) -> Floats:
    """Return the variance after each step, all symbols at once, ``[symbols, width]``."""
    steps, kept = np.ascontiguousarray(squared.T), np.ascontiguousarray(kept.T)
    variance = np.full(steps.shape[1], start)
    news = np.empty_like(variance)
    variances = np.empty_like(steps)
    for t in range(len(steps)):
        np.multiply(variance, _OUTLIER, out=news)
        np.minimum(steps[t], news, out=news)
        news *= 1 - kept[t]
        variance *= kept[t]
        variance += news
        variances[t] = variance
    return variances.T


def _variances_one_by_one(squared: Floats, kept: Floats, start: float) -> Floats:
    """Return exactly what `_variances` does."""
    variances = []
    for row, kept_row in zip(squared.tolist(), kept.tolist(), strict=True):
        variance = start
        steps = [
            variance := variance * keep + (step if step < (most := variance * _OUTLIER) else most) * (1 - keep)
            for step, keep in zip(row, kept_row, strict=True)
        ]
        variances.append(steps)
    return np.array(variances)


def ewma(values: Floats, decays: Floats, latest: int) -> Floats:
    """Return exponentially weighted means along the last axis, over what was known up to each step.

    Args:
        values: ``[features, symbols, width]``; NaN where unknown.
        decays: Decay of each feature a step, ``[features]``.
        latest: Steps to return; the earlier ones only show in their means.

    Returns:
        ``[features, symbols, latest]``; NaN until a feature has been known once.
    """
    seen = ~np.isnan(values)
    total = _discounted_sums(np.where(seen, values, 0.0), decays, latest)
    weight = _discounted_sums(seen.astype(np.float64), decays, latest)
    mean: Floats = total / np.where(weight > 0, weight, np.nan)
    return mean


def _discounted_sums(values: Floats, decays: Floats, latest: int) -> Floats:
    """Return ``s[t] = decay * s[t-1] + x[t]`` along the last axis, by doubling what each sum reaches back over.

    That is the parallel prefix of Hillis and Steele (Data Parallel Algorithms, Communications of the ACM 29, 1986).

    Args:
        values: ``[features, symbols, steps]``.
        decays: ``[features]``.
        latest: Steps to return; of the earlier ones only the sum at their end is needed.

    Returns:
        ``[features, symbols, latest]``.
    """
    earlier = values.shape[-1] - latest
    sums = values[..., earlier:].copy()
    sums[..., 0] += np.einsum("fst,ft->fs", values[..., :earlier], _aged(earlier, *decays))
    reach, kept = 1, decays[:, None, None]
    while reach < latest:
        sums[..., reach:] += kept * sums[..., :-reach]
        reach, kept = 2 * reach, kept**2
    return sums


@lru_cache(_REMEMBERED)
def _aged(steps: int, *decays: float) -> Floats:
    """Return what each of some steps counts for at the one after the last of them, ``[features, steps]``."""
    aged: Floats = np.array(decays)[:, None] ** np.arange(steps, 0, -1)
    return aged
