"""How far ahead a forecast looks, and at which quantiles."""

from typing import Final

HORIZONS: Final = 10
"""Forecasts cover the next 1 to `HORIZONS` sessions."""

LEVELS: Final = (0.025, 0.10, 0.25, 0.50, 0.75, 0.90, 0.975)
"""Quantile levels of every forecast, ascending and symmetric around the median."""

MEDIAN: Final = LEVELS.index(0.50)
"""Position of the median in `LEVELS`."""

LOWER_80: Final = LEVELS.index(0.10)
"""Position of the lower bound of the 80 % interval in `LEVELS`."""

UPPER_80: Final = LEVELS.index(0.90)
"""Position of the upper bound of the 80 % interval in `LEVELS`."""
