"""From histories to the arrays that a network reads; training and serving share it."""

from dataclasses import dataclass
from typing import Final, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from closecast.forecasting.base import BaseParameters
from closecast.forecasting.features import FEATURES, compute_features
from closecast.forecasting.panel import Panel
from closecast.forecasting.series import Floats, Integers
from closecast.forecasting.volatility import ewma_volatility

Singles: TypeAlias = NDArray[np.float32]

_FURTHEST: Final = 5.0
"""Bound of a standardized feature: what lies beyond was never trained on."""


class InputSpec(Protocol):
    """The part of a model's spec that decides what it reads."""

    @property
    def base(self) -> BaseParameters: ...  # noqa: D102
    @property
    def feature_mean(self) -> tuple[float, ...]: ...  # noqa: D102
    @property
    def feature_scale(self) -> tuple[float, ...]: ...  # noqa: D102
    @property
    def sequence_length(self) -> int: ...  # noqa: D102
    @property
    def context(self) -> int: ...  # noqa: D102


@dataclass(frozen=True, slots=True, eq=False)
class Inputs:
    """Sequences that begin at step 0; what follows a short history is padding, which a causal network never sees.

    Attributes:
        features: Standardized features, 0 where unknown, ``[symbols, sequence_length, features]``.
        volatility: Daily volatility at each step, ``[symbols, sequence_length]``; NaN on padding.
        columns: Column of the panel that each step is of, -1 on padding, ``[symbols, sequence_length]``.
        last: Step of the latest session, ``[symbols]``.
    """

    features: Singles
    volatility: Floats
    columns: Integers
    last: Integers


def prepare(panel: Panel, spec: InputSpec) -> Inputs:
    """Return what a network reads of a panel's latest sessions.

    Args:
        panel: The histories; only the latest `spec.context` sessions of each are used.
        spec: The model's spec.
    """
    recent = panel.tail(spec.context)
    volatility = ewma_volatility(recent, spec.base.decay, spec.base.volatility)
    features = compute_features(recent, volatility, spec.sequence_length)
    volatility = volatility[:, -spec.sequence_length :]
    steps = np.minimum(recent.lengths, spec.sequence_length)
    width = features.shape[1]
    columns = width - steps[:, None] + np.arange(spec.sequence_length)[None, :]
    known = columns < width
    columns = np.where(known, columns, 0)
    rows = np.arange(len(recent))[:, None]
    sequence = standardize(features[rows, columns], spec.feature_mean, spec.feature_scale)
    return Inputs(
        features=np.where(known[:, :, None], sequence, 0).astype(np.float32),
        volatility=np.where(known, volatility[rows, columns], np.nan),
        columns=np.where(known, columns + panel.width - width, -1),
        last=steps - 1,
    )


def standardize(features: Floats, mean: tuple[float, ...], scale: tuple[float, ...]) -> Floats:
    """Return features with the mean subtracted and divided by the scale, bounded, 0 where unknown."""
    standardized: Floats = np.clip((features - np.array(mean)) / np.array(scale), -_FURTHEST, _FURTHEST)
    return np.nan_to_num(standardized, nan=0.0)


def feature_statistics(panel: Panel, base: BaseParameters) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return mean and standard deviation of each feature over all sessions of a panel, robust to a few bad prints."""
    features = compute_features(panel, ewma_volatility(panel, base.decay, base.volatility))
    pooled = features.reshape(-1, len(FEATURES))
    pooled = pooled[~np.isnan(pooled).all(axis=1)]
    seen = ~np.isnan(pooled).all(axis=0)
    mean, scale = np.zeros(len(FEATURES)), np.ones(len(FEATURES))
    low, high = np.nanquantile(pooled[:, seen], (0.001, 0.999), axis=0)
    bounded = np.clip(pooled[:, seen], low, high)
    mean[seen] = np.nanmean(bounded, axis=0)
    spread = np.nanstd(bounded, axis=0)
    scale[seen] = np.where(spread > 0, spread, 1.0)
    return tuple(map(float, mean)), tuple(map(float, scale))
