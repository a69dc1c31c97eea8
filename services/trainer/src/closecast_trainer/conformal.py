"""Calibration of a trained network: what its quantiles need to hold on a slice that it was not trained on."""

import numpy as np

from closecast.forecasting.base import ascending
from closecast.forecasting.series import Floats
from closecast.horizons import LEVELS, MEDIAN
from closecast_trainer.dataset import Sequences

_NARROWEST, _WIDEST = 0.5, 2.0
"""Bounds of a factor, for a slice that is a crash or hardly anything."""


def calibrate(quantiles: Floats, shape: Floats, sequences: Sequences, trained_on: int) -> Floats:
    """Return the shape whose quantiles would have held, drawn back to the one that was trained.

    Split conformal prediction on scores in units of the predicted distance (Romano, Patterson and Candès, Conformalized
    Quantile Regression, NeurIPS 2019), pooled over horizons. Symbols move together, so that a slice tells as much as it
    has sessions: its word counts beside that of the training slice in proportion to the sessions of both.

    Args:
        quantiles: Scaled quantiles that the network forecasts, ``[windows, steps, HORIZONS, levels]``.
        shape: That they are stretched from, ``[HORIZONS, levels]``.
        sequences: What came, on the slice.
        trained_on: Sessions of the training slice.

    Returns:
        The shape, ``[HORIZONS, levels]``, ascending.
    """
    known = sequences.known
    if not known.any():
        return shape
    trust = sequences.sessions / (sequences.sessions + trained_on)
    median = quantiles[..., MEDIAN]
    error = (sequences.target - median)[known]
    factors = np.ones(len(LEVELS))
    for position, level in enumerate(LEVELS):
        if position != MEDIAN:
            score = error / np.abs(quantiles[..., position] - median)[known]
            needed = np.quantile(score, level) * np.sign(position - MEDIAN)
            factors[position] = 1 + trust * (np.clip(needed, _NARROWEST, _WIDEST) - 1)
    own_median = shape[:, MEDIAN, None]
    return ascending(own_median + (shape - own_median) * factors)


def as_factors(shape: Floats, base: Floats) -> Floats:
    """Return a shape as the factor of each distance from the median of the base's, 1 at the median."""
    median = base[:, MEDIAN, None]
    factors: Floats = np.ones_like(base)
    np.divide(shape - median, base - median, out=factors, where=base != median)
    return factors
