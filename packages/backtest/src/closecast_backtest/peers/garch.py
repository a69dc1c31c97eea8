"""Peer: GJR-GARCH with Student's t, one a symbol, fitted by `arch`."""

from dataclasses import dataclass
from datetime import date
from typing import Final, Self

import numpy as np
from arch import arch_model
from arch.univariate import StudentsT

from closecast.forecasting.base import price_quantiles
from closecast.forecasting.panel import Panel
from closecast.forecasting.series import Floats, Integers
from closecast.horizons import HORIZONS, LEVELS
from closecast_trainer.baselines import Origins, ewma

NEEDED: Final = 250
"""Returns before the cut that a fit needs; with fewer a symbol gets the quantiles of the peer `ewma`."""

_PERCENT: Final = 100.0
"""`arch` asks for returns in percent: its optimizer fails on variances of 1e-4."""


@dataclass(frozen=True, slots=True)
class GjrGarch:
    """Parameters of one symbol (Glosten, Jagannathan and Runkle, Journal of Finance 48, 1993), returns in percent.

    Attributes:
        omega: Constant of the variance.
        alpha: Weight of the last squared return.
        gamma: Further weight of it where the return was negative.
        beta: Weight of the last variance.
        degrees: Degrees of freedom of Student's t.
        first: Variance of the first return.
    """

    omega: float
    alpha: float
    gamma: float
    beta: float
    degrees: float
    first: float

    @classmethod
    def fit(cls, returns: Floats) -> Self | None:
        """Fit to returns in percent, with a mean of zero; None if that fails, as it does where a price never moved."""
        if len(returns) < NEEDED or not returns.std() > 0:
            return None
        model = arch_model(returns, mean="Zero", vol="GARCH", p=1, o=1, q=1, dist="t", rescale=False)
        result = model.fit(disp="off", show_warning=False)
        omega, alpha, gamma, beta, degrees = (float(value) for value in result.params)
        first = float(result.conditional_volatility[0] ** 2)
        if result.convergence_flag != 0 or not np.isfinite([omega, alpha, gamma, beta, degrees, first]).all():
            return None
        return cls(omega, alpha, gamma, beta, degrees, first)

    def variances(self, returns: Floats, at: Integers) -> Floats:
        """Return the variance of each of the next `HORIZONS` returns, ``[origins, HORIZONS]``.

        Args:
            returns: The whole history in percent; only what lies up to an origin counts for it.
            at: How many returns are known at each origin, ``[origins]``.
        """
        following = np.empty(len(returns) + 1)
        following[0] = self.first
        for t, value in enumerate(returns):
            weight = self.alpha + self.gamma * (value < 0)
            following[t + 1] = self.omega + weight * value**2 + self.beta * following[t]
        path = np.empty((len(at), HORIZONS))
        path[:, 0] = following[at]
        persistence = self.alpha + self.gamma / 2 + self.beta
        for step in range(1, HORIZONS):
            path[:, step] = self.omega + persistence * path[:, step - 1]
        return path

    def quantiles(self) -> Floats:
        """Return the quantiles of a standardized return, ``[levels]``."""
        levels: Floats = np.asarray(StudentsT().ppf(np.array(LEVELS), np.array([self.degrees])), dtype=np.float64)
        return levels


class Garch:
    """Fits each symbol before the cut, then follows its variance with these parameters."""

    def forecast(self, panel: Panel, cut: date, origins: Origins) -> Floats:
        """Return price quantiles; see `closecast_backtest.peers.peer.Peer`.

        Those of ``h`` sessions are the quantiles of one, scaled to the variance of their sum.
        """
        prices = ewma(panel, origins)
        for row in np.unique(origins.rows):
            begin = panel.width - int(panel.lengths[row])
            returns = _PERCENT * panel.log_return[row, begin + 1 :]
            fitted = GjrGarch.fit(returns[panel.sessions[row, begin + 1 :] < np.datetime64(cut)])
            if fitted is not None:
                mine = origins.rows == row
                variance = fitted.variances(returns, origins.columns[mine] - begin) / _PERCENT**2
                prices[mine] = _prices(origins.last_close[mine], variance, fitted.quantiles())
        return prices


def _prices(last_close: Floats, variance: Floats, quantiles: Floats) -> Floats:
    ahead = np.arange(1, HORIZONS + 1)
    volatility = np.sqrt(np.cumsum(variance, axis=1) / ahead)
    shape = (volatility / volatility[:, :1])[:, :, None] * quantiles
    return price_quantiles(last_close, volatility[:, 0], shape)
