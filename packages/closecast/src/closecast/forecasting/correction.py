"""How a network's output bends the base: one shift and two stretches a horizon, so that quantiles cannot cross."""

from typing import Final

import numpy as np

from closecast.forecasting.series import Floats
from closecast.horizons import MEDIAN

LOCATION, LOWER, UPPER = range(3)
CORRECTIONS: Final = 3
"""Numbers a horizon: a shift in units of volatility, and the logarithms of the two stretches."""

LARGEST_SHIFT: Final = 0.1
LARGEST_LOG_STRETCH: Final = 0.5
"""A network may move the median by a tenth of a standard deviation and stretch a side by a factor of 1.65, no more."""


def corrected(shape: Floats, correction: Floats, calibration: Floats) -> Floats:
    """Return quantiles of scaled returns: the base's shape, shifted and stretched on each side of its median.

    Args:
        shape: Of the base, ``[horizons, levels]``, ascending.
        correction: ``[symbols, horizons, CORRECTIONS]``; all 0 leaves the base as it is.
        calibration: Factor of each quantile's distance from the median, ``[horizons, levels]``.

    Returns:
        ``[symbols, horizons, levels]``, ascending wherever `calibration` keeps the shape ascending.
    """
    median = shape[:, MEDIAN, None]
    stretch = np.ones((*correction.shape[:2], shape.shape[1]))
    stretch[..., :MEDIAN] = np.exp(correction[..., LOWER, None])
    stretch[..., MEDIAN + 1 :] = np.exp(correction[..., UPPER, None])
    location: Floats = median + correction[..., LOCATION, None]
    quantiles: Floats = location + (shape - median) * calibration * stretch
    return quantiles
