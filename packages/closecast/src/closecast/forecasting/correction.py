"""How a network's output bends the base: one stretch a horizon around the median, so that quantiles cannot cross."""

from typing import Final

import numpy as np

from closecast.forecasting.series import Floats
from closecast.horizons import MEDIAN

LARGEST_LOG_STRETCH: Final = 1.0
"""A network may widen the base's intervals by a factor of 2.7 or narrow them by as much, no more."""


def corrected(shape: Floats, correction: Floats, calibration: Floats) -> Floats:
    """Return quantiles of scaled returns: the base's shape, stretched around its median, which stays where it is.

    Args:
        shape: Of the base, ``[horizons, levels]``, ascending.
        correction: Logarithm of the stretch, ``[symbols, horizons]``; 0 leaves the base as it is.
        calibration: Factor of each quantile's distance from the median, ``[horizons, levels]``.

    Returns:
        ``[symbols, horizons, levels]``, ascending wherever `calibration` keeps the shape ascending.
    """
    median = shape[:, MEDIAN, None]
    quantiles: Floats = median + (shape - median) * calibration * np.exp(correction)[:, :, None]
    return quantiles
