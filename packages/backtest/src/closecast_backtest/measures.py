"""How good forecasts were: the measures of a backtest's tables."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from closecast.forecasting.metrics import score
from closecast.forecasting.series import Floats, Integers


@dataclass(frozen=True, slots=True)
class Measures:
    """Each is computed for every symbol and then averaged over symbols; NaN where it is not defined.

    Attributes:
        pinball_next: Pinball loss of the log return to the next close, mean over quantiles.
        pinball: The same over all horizons.
        rmae_next: Mean absolute error of the median for the next close over naive's.
        rmae: The same with the errors of all horizons pooled.
        coverage_80: Share of the closes within the 80 % interval, over all horizons.
        coverage_95: Share of the closes within the 95 % interval, over all horizons.
    """

    pinball_next: float
    pinball: float
    rmae_next: float
    rmae: float
    coverage_80: float
    coverage_95: float

    @classmethod
    def of(cls, quantiles: Floats, actual: Floats, last_close: Floats, series: Integers) -> Self:
        """Measure forecasts; the arguments are those of `closecast.forecasting.metrics.score`.

        Forecasts of which only the median is known (the other quantiles are NaN) have an error and nothing else.
        """
        with np.errstate(invalid="ignore"):  # a peer's median may lie below 0, where there is no log return
            following = score(quantiles[:, :1], actual[:, :1], last_close, series)
            all_horizons = score(quantiles, actual, last_close, series)
        has_intervals = bool(np.isfinite(quantiles).all())
        return cls(
            pinball_next=following["mqloss"],
            pinball=all_horizons["mqloss"],
            rmae_next=following["rmae"],
            rmae=all_horizons["rmae"],
            coverage_80=all_horizons["coverage_80"] if has_intervals else float("nan"),
            coverage_95=all_horizons["coverage_95"] if has_intervals else float("nan"),
        )
