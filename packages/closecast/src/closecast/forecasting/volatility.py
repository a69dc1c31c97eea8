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

_BLOCK: Final = 32
"""Steps that are summed at once."""


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
    seen = ~np.isnan(squared)
    squared = np.where(seen, squared, 0.0)
    kept = np.where(seen, decay, 1.0)
    variance = np.full(len(panel), prior**2)
    news = np.empty_like(variance)
    variances = np.empty_like(squared)
    for t in range(len(squared)):
        np.multiply(variance, _OUTLIER**2, out=news)
        np.minimum(squared[t], news, out=news)
        news *= 1 - kept[t]
        variance *= kept[t]
        variance += news
        variances[t] = variance
    settled = np.cumsum(seen, axis=0) >= _SETTLED_AFTER
    floor = np.where(settled, _FLOOR * prior, prior)
    return np.clip(np.sqrt(variances), floor, _CEILING).T


def ewma(values: Floats, decays: Floats) -> Floats:
    """Return exponentially weighted means along the second axis, over what was known up to each step.

    Args:
        values: ``[symbols, width, features]``; NaN where unknown.
        decays: Decay of each feature a step, ``[features]``.

    Returns:
        The same shape; NaN until a feature has been known once.
    """
    seen = ~np.isnan(values)
    both = np.stack([np.where(seen, values, 0.0), seen])
    total, weight = _discounted_sums(both, decays)
    mean: Floats = total / np.where(np.cumsum(seen, axis=1) > 0, weight, np.nan)
    return mean


def _discounted_sums(values: Floats, decays: Floats) -> Floats:
    """Return ``s[t] = decay * s[t-1] + x[t]`` along the second last axis, block by block instead of step by step.

    Args:
        values: ``[..., steps, features]``.
        decays: ``[features]``.
    """
    steps = values.shape[-2]
    blocks = -(-steps // _BLOCK)
    padding = [(0, 0)] * (values.ndim - 2) + [(0, blocks * _BLOCK - steps), (0, 0)]
    blocked = np.pad(values, padding).reshape(*values.shape[:-2], blocks, _BLOCK, len(decays))
    blocked = np.moveaxis(blocked, -1, 0)
    ages = np.arange(_BLOCK)[:, None] - np.arange(_BLOCK)[None, :]
    weights = np.where(ages >= 0, decays[:, None, None] ** np.maximum(ages, 0), 0.0)
    within = np.einsum("f...s,fts->f...t", blocked, weights, optimize=True)
    carry_on = decays[:, None] ** np.arange(1, _BLOCK + 1)
    sums = np.empty_like(within)
    carried = np.zeros(within.shape[:-2])
    carry_on = carry_on.reshape(len(decays), *[1] * (carried.ndim - 1), _BLOCK)
    for block in range(blocks):
        sums[..., block, :] = within[..., block, :] + carry_on * carried[..., None]
        carried = sums[..., block, -1]
    flat = np.moveaxis(sums, 0, -1).reshape(*values.shape[:-2], blocks * _BLOCK, len(decays))
    known: Floats = flat[..., :steps, :]
    return known
