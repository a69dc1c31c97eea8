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

_BLOCK: Final = 64
"""Steps that are summed at once."""

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
    features, steps = len(decays), values.shape[-2]
    blocks = -(-steps // _BLOCK)
    within_a_block, between_blocks, onwards = _discounts(blocks, *decays)
    rows = np.moveaxis(values, -1, 0).reshape(features, -1, steps)
    padded = np.zeros((features, rows.shape[1], blocks * _BLOCK))
    padded[..., :steps] = rows
    sums = (padded.reshape(features, -1, _BLOCK) @ within_a_block).reshape(features, -1, blocks, _BLOCK)
    carried = sums[..., -1] @ between_blocks
    sums += onwards[:, None, None, :] * carried[..., None]
    known = sums.reshape(features, -1, blocks * _BLOCK)[..., :steps]
    return np.moveaxis(known, 0, -1).reshape(values.shape)


@lru_cache(_REMEMBERED)
def _discounts(blocks: int, *decays: float) -> tuple[Floats, Floats, Floats]:
    """Return what a value counts for later.

    Args:
        blocks: How many blocks there are.
        decays: One a feature.

    Returns:
        That of step s at step t of its block, ``[features, s, t]``; that of the sum at the end of block s at the
        beginning of block t, ``[features, s, t]``; and that of the latter at each step of the block, ``[features, t]``.
    """
    decay = np.array(decays)[:, None, None]
    return _powers(decay, _BLOCK), _powers(decay**_BLOCK, blocks, offset=1), decay[:, 0] ** np.arange(1, _BLOCK + 1)


def _powers(decay: Floats, count: int, offset: int = 0) -> Floats:
    """Return ``decay ** (t - s - offset)``, 0 where that is below 0, ``[features, s, t]``."""
    ages = np.arange(count)[None, :] - np.arange(count)[:, None] - offset
    return np.where(ages >= 0, decay ** np.maximum(ages, 0), 0.0)
