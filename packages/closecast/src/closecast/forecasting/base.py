"""The base that every model corrects: a random walk with EWMA volatility and an empirical shape."""

from typing import Annotated, Final, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, field_validator

from closecast.forecasting.panel import Panel
from closecast.forecasting.series import Floats
from closecast.forecasting.volatility import DEFAULT_DECAY, DEFAULT_VOLATILITY, ewma_volatility
from closecast.horizons import HORIZONS, LEVELS, MEDIAN

CONTEXT: Final = 256
"""Sessions after which the start of a history no longer shows in its volatility."""

_DECAYS: Final = (0.90, 0.92, 0.94, 0.95, 0.96, 0.97)
_SHARPEST: Final = 0.01
"""Least distance between two quantiles, in units of volatility."""

_TYPICAL_SHAPE: Final = (-2.05, -1.20, -0.57, 0.0, 0.57, 1.20, 2.05)
"""Quantiles of scaled returns that hold for most stocks; used while there is no data to fit a shape to."""

_FURTHEST: Final = 20.0
"""Bound of a log return, so that a price stays a positive, finite number."""

Quantiles = Annotated[tuple[float, ...], Field(min_length=len(LEVELS), max_length=len(LEVELS))]
Shape = Annotated[tuple[Quantiles, ...], Field(min_length=HORIZONS, max_length=HORIZONS)]


class BaseParameters(BaseModel):
    """What the base has learned: how fast volatility is forgotten, and the shape of scaled returns."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    decay: float = Field(default=DEFAULT_DECAY, gt=0, lt=1, description="Decay of the EWMA variance.")
    volatility: float = Field(
        default=DEFAULT_VOLATILITY, gt=0, description="Daily volatility of a symbol of which nothing is known."
    )
    shape: Shape = Field(
        default=(_TYPICAL_SHAPE,) * HORIZONS,
        description="For each horizon, quantiles of the cumulative return / (volatility * sqrt(horizon)).",
    )

    @field_validator("shape")
    @classmethod
    def _ascending(cls, shape: tuple[tuple[float, ...], ...]) -> tuple[tuple[float, ...], ...]:
        if (np.diff(np.array(shape), axis=1) <= 0).any():
            raise ValueError("quantiles must ascend")
        return shape

    @classmethod
    def fit(cls, panel: Panel) -> Self:
        """Fit decay, typical volatility and shape to all sessions of a panel, pooled over symbols.

        The decay is the one of a few whose quantiles have the least pinball loss. The median is held at zero: the base
        is a random walk. A panel that is too short to tell anything gives the defaults.
        """
        known = [row[~np.isnan(row)] for row in panel.log_return]
        spreads = [float(row.std()) for row in known if len(row) >= CONTEXT and row.std() > 0]
        if not spreads:
            return cls()
        volatility = float(np.median(spreads))
        fits = [_fit_shape(panel, decay, volatility) for decay in _DECAYS]
        best = int(np.argmin([loss for loss, _ in fits]))
        shape = tuple(tuple(float(q) for q in row) for row in fits[best][1])
        return cls(decay=_DECAYS[best], volatility=volatility, shape=shape)


class BaseForecaster:
    """Forecasts without a model; it answers until a model has been promoted, and for what a model cannot answer.

    Attributes:
        parameters: What it was fitted to.
        context: Sessions of a history that a forecast can depend on; older ones change nothing.
    """

    context: Final = CONTEXT

    def __init__(self, parameters: BaseParameters | None = None) -> None:
        """Make a forecaster of fitted parameters, or of defaults that suit most stocks."""
        self.parameters = parameters or BaseParameters()
        self._shape = np.array(self.parameters.shape)

    def forecast(self, panel: Panel) -> Floats:
        """Return price quantiles for the sessions after each symbol's latest.

        Returns:
            ``[symbols, HORIZONS, len(LEVELS)]``, in the currency and share count of the latest close; ascending along
            the levels, positive, never NaN.
        """
        recent = panel.tail(CONTEXT)
        volatility = ewma_volatility(recent, self.parameters.decay, self.parameters.volatility)[:, -1]
        shape = np.broadcast_to(self._shape, (len(panel), *self._shape.shape))
        return price_quantiles(panel.last_close, volatility, shape)


def price_quantiles(last_close: Floats, volatility: Floats, shape: Floats) -> Floats:
    """Turn quantiles of scaled returns into quantiles of prices.

    Args:
        last_close: ``[symbols]``.
        volatility: Daily volatility, ``[symbols]``.
        shape: Quantiles of scaled cumulative returns, ``[symbols, horizons, levels]``.
    """
    scale = volatility[:, None] * np.sqrt(np.arange(1, shape.shape[1] + 1))
    log_return = np.clip(scale[:, :, None] * shape, -_FURTHEST, _FURTHEST)
    prices: Floats = last_close[:, None, None] * np.exp(log_return)
    return prices


def total_returns(panel: Panel) -> Floats:
    """Return the log return since each history began, ``[symbols, width]``; NaN before that."""
    return np.where(np.isnan(panel.close), np.nan, np.nancumsum(panel.log_return, axis=1))


def cumulative_returns(panel: Panel) -> Floats:
    """Return the log return of the next 1..HORIZONS sessions from each session, ``[symbols, width, HORIZONS]``.

    NaN where the panel ends before the target.
    """
    total = total_returns(panel)
    targets = np.full((*total.shape, HORIZONS), np.nan)
    for horizon in range(1, min(HORIZONS, panel.width - 1) + 1):
        targets[:, :-horizon, horizon - 1] = total[:, horizon:] - total[:, :-horizon]
    return targets


def pinball(actual: Floats, quantiles: Floats) -> Floats:
    """Return the pinball loss of each quantile (Koenker and Bassett, Regression Quantiles, Econometrica 46, 1978).

    Args:
        actual: Any shape.
        quantiles: The same shape with the levels as one more axis.
    """
    error = actual[..., None] - quantiles
    levels = np.array(LEVELS)
    return np.maximum(levels * error, (levels - 1) * error)


def ascending(shape: Floats) -> Floats:
    """Return quantiles pushed apart from the median until each is at least a little beyond its neighbour."""
    apart = shape.copy()
    for level in range(MEDIAN + 1, shape.shape[-1]):
        apart[..., level] = np.maximum(apart[..., level], apart[..., level - 1] + _SHARPEST)
    for level in range(MEDIAN - 1, -1, -1):
        apart[..., level] = np.minimum(apart[..., level], apart[..., level + 1] - _SHARPEST)
    return apart


def _fit_shape(panel: Panel, decay: float, volatility: float) -> tuple[float, Floats]:
    """Return the mean pinball loss of a decay in log return, and its shape ``[HORIZONS, levels]``."""
    scale = ewma_volatility(panel, decay, volatility)[:, :, None] * np.sqrt(np.arange(1, HORIZONS + 1))
    targets = cumulative_returns(panel)
    scaled = (targets / scale).reshape(-1, HORIZONS)
    shape = np.nanquantile(scaled, LEVELS, axis=0).T
    shape[:, MEDIAN] = 0.0
    shape = ascending(shape)
    loss = pinball(scaled, np.broadcast_to(shape, (len(scaled), *shape.shape))) * scale.reshape(-1, HORIZONS, 1)
    return float(np.nanmean(loss)), shape
