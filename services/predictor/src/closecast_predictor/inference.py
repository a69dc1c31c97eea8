"""From windows to forecasts: one batch for all symbols that changed and share a model."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

import numpy as np

from closecast.calendars import calendar_of
from closecast.events import Forecast, HorizonForecast
from closecast.forecasting.panel import Panel
from closecast.forecasting.series import Floats
from closecast.horizons import HORIZONS
from closecast_predictor import metrics
from closecast_predictor.snapshot import Lineup, Model
from closecast_predictor.windows import Window, Windows

_DIGITS: Final = 8
"""Significant digits of a price: finer than any tick, short enough to read."""


def forecast_symbols(models: Lineup[Model], windows: Windows, symbols: Iterable[str]) -> list[Forecast]:
    """Return the forecasts of these symbols in alphabetical order, each by its model, from its latest session."""
    batches: dict[str, list[str]] = defaultdict(list)
    for symbol in sorted(symbols):
        batches[models.of(symbol).name].append(symbol)
    made = [one for batch in batches.values() for one in _forecast_batch(models.of(batch[0]), windows, tuple(batch))]
    return sorted(made, key=lambda forecast: forecast.symbol)


def _forecast_batch(model: Model, windows: Windows, symbols: tuple[str, ...]) -> list[Forecast]:
    spoken = model.forecast(windows.panel(symbols))
    made_at = datetime.now(UTC)
    return [
        _forecast(speaker, windows[symbol], round_prices(quantiles), made_at)
        for symbol, (speaker, quantiles) in zip(symbols, spoken, strict=True)
    ]


def forecast_window(model: Model, window: Window) -> Forecast:
    """Return the forecast that a model makes of one window alone."""
    with metrics.INFERENCE_DURATION.labels("window").time():
        ((speaker, quantiles),) = model.forecast(Panel.of([window.series()]))
    return _forecast(speaker, window, round_prices(quantiles), datetime.now(UTC))


def round_prices(prices: Floats) -> Floats:
    """Return prices with a fixed number of significant digits, so that they print short."""
    scale = 10.0 ** (_DIGITS - 1 - np.floor(np.log10(prices)))
    rounded: Floats = np.round(prices * scale) / scale
    return rounded


def _forecast(model: Model, window: Window, prices: Floats, made_at: datetime) -> Forecast:
    sessions = calendar_of(window.exchange).next_sessions(window.last_session, HORIZONS)
    horizons = tuple(
        # The values are valid by construction, and checking them would cost more than the inference.
        HorizonForecast.model_construct(horizon=ahead, session=session, quantiles=tuple(quantiles))
        for ahead, (session, quantiles) in enumerate(zip(sessions, prices.tolist(), strict=True), start=1)
    )
    return Forecast.model_construct(
        symbol=window.symbol,
        exchange=window.exchange,
        currency=window.currency,
        origin=window.last_session,
        last_close=float(round_prices(np.array(window.last_close))),
        model=model.name,
        version=model.version,
        why=model.why,
        skill=model.skill,
        horizons=horizons,
        made_at=made_at,
    )
