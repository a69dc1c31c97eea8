"""What a run holds besides the version's folder."""

from typing import Final

PLOTS_PATH: Final = "plots"
"""Folder of a run that holds the pictures."""
LOSSES_PLOT: Final = "losses.png"
FORECASTS_PLOT: Final = "forecasts.png"
RELIABILITY_PLOT: Final = "reliability.png"
CALIBRATION_PLOT: Final = "calibration.png"
