"""From KServe's time-series protocol to forecasts of histories, and back."""

import time
from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import numpy as np

from closecast.forecasting.series import Floats
from closecast.horizons import LEVELS, MEDIAN
from closecast_predictor.api.errors import ProblemError
from closecast_predictor.api.histories import forecast_history
from closecast_predictor.api.schemas.histories import History
from closecast_predictor.api.schemas.timeseries import (
    ForecastOptions,
    ForecastOutput,
    ForecastRequest,
    ForecastResponse,
    TimeSeriesForecast,
    TimeSeriesInput,
)
from closecast_predictor.inference import round_prices
from closecast_predictor.snapshot import Model

_DAY = timedelta(days=1)


def forecast_series(model: Model, request: ForecastRequest, most_sessions: int) -> ForecastResponse:
    """Return the forecasts of all series of a request.

    Args:
        model: What forecasts.
        request: The series, and what is wanted of them.
        most_sessions: Closes above which a series is refused.

    Raises:
        ProblemError: If a series is too short or too long.
    """
    outputs = [
        ForecastOutput(id=str(uuid4()), content=[_forecast(model, series, at, request.options, most_sessions)])
        for at, series in enumerate(request.inputs)
    ]
    return ForecastResponse(id=str(uuid4()), created_at=int(time.time()), model=model.name, outputs=outputs)


def _forecast(
    model: Model, series: TimeSeriesInput, at: int, options: ForecastOptions, most_sessions: int
) -> TimeSeriesForecast:
    try:
        answer = forecast_history(model, History.of(series.series), None, options.horizon, most_sessions)
    except ProblemError as error:
        detail = error.errors[0].reason if error.errors else error.detail
        raise ProblemError(error.status, detail, field=f"inputs.{at}.series") from error
    prices = np.array([list(one.quantiles.values()) for one in answer.forecast])
    levels = LEVELS if options.quantiles is None else options.quantiles
    return TimeSeriesForecast(
        name=series.name,
        mean_forecast=prices[:, MEDIAN].tolist(),
        frequency=series.frequency,
        start_timestamp=f"{_first_forecast(series):%Y-%m-%dT%H:%M:%SZ}",
        quantiles={str(level): _at_level(prices, level) for level in levels},
    )


def _at_level(prices: Floats, level: float) -> list[float]:
    """Return the prices at a level, interpolated between the levels that the model tells, ``[horizons]``."""
    interpolated = np.array([np.interp(level, LEVELS, row) for row in prices])
    found: list[float] = round_prices(interpolated).tolist()
    return found


def _first_forecast(series: TimeSeriesInput) -> datetime:
    """Return the time of the first close that is forecast."""
    if series.start_timestamp is None:
        last, ahead = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0), 1
    else:
        last, ahead = series.start_timestamp.astimezone(UTC), len(series.series)
    if series.frequency != "B":
        return last + ahead * _DAY
    # A series that begins on a weekend begins on the business day after it.
    day = np.busday_offset(np.datetime64(last.date()), ahead, roll="forward").astype(date)
    return datetime.combine(day, last.timetz())
