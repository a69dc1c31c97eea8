"""KServe's time-series protocol: what is asked and what is answered."""

import datetime as dt
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from closecast.horizons import LEVELS
from closecast_predictor.api.schemas.forecasts import EXAMPLE_CLOSES, FEWEST_SESSIONS, Horizon
from closecast_predictor.api.schemas.histories import Price

MOST_SERIES: Final = 64
_FIRST_YEAR, _LAST_YEAR = 1900, 2200

Frequency = Literal["D", "day", "B"]
Univariate = Literal["univariate_time_series"]
Completed = Literal["completed"]
Level = Annotated[float, Field(strict=True, ge=LEVELS[0], le=LEVELS[-1])]


def _in_bounds(time: dt.datetime) -> dt.datetime:
    if not _FIRST_YEAR <= time.year <= _LAST_YEAR:
        raise ValueError(f"lies before {_FIRST_YEAR} or after {_LAST_YEAR}")
    return time if time.tzinfo is not None else time.replace(tzinfo=dt.UTC)


Time = Annotated[dt.datetime, AfterValidator(_in_bounds)]
"""A time; without a zone it is UTC."""


class TimeSeriesInput(BaseModel):
    """One series of daily closes."""

    type: Univariate = Field(description="Only univariate series can be forecast.")
    name: str = Field(max_length=200, description="Name of the series; the forecast carries it.")
    series: list[Price] = Field(description=f"Closes, oldest first, adjusted for splits; at least {FEWEST_SESSIONS}.")
    frequency: Frequency = Field(description="D or day: one close a day; B: one close a business day.")
    start_timestamp: Time | None = Field(
        default=None, description="Time of the first close (ISO 8601); none if the last one is of today."
    )


class ForecastOptions(BaseModel):
    """What is wanted of the forecasts."""

    horizon: Horizon
    quantiles: list[Level] | None = Field(
        default=None,
        max_length=100,
        description=f"Levels wanted. Those between {', '.join(map(str, LEVELS))} are interpolated. Default: these.",
    )


class ForecastRequest(BaseModel):
    """Asks for the forecasts of some series."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "model": "closecast-panel",
                "inputs": [
                    {
                        "type": "univariate_time_series",
                        "name": "PETR4",
                        "series": [*EXAMPLE_CLOSES],
                        "frequency": "D",
                        "start_timestamp": "2025-05-05T00:00:00Z",
                    }
                ],
                "options": {"horizon": 3, "quantiles": [0.1, 0.5, 0.9]},
            }
        }
    )

    model: str = Field(max_length=200, description="Name of the model, one of `/v1/timeseries/models`.")
    inputs: list[TimeSeriesInput] = Field(min_length=1, max_length=MOST_SERIES)
    options: ForecastOptions


class TimeSeriesForecast(BaseModel):
    """The forecast of one series."""

    type: Univariate = "univariate_time_series"
    name: str
    mean_forecast: list[float] = Field(description="The medians: the model tells quantiles, and no mean.")
    frequency: Frequency
    start_timestamp: str = Field(description="Time of the first forecast close (ISO 8601, UTC).")
    quantiles: dict[str, list[float]] = Field(description="Forecast closes at each level.")


class ForecastOutput(BaseModel):
    """The outcome for one series."""

    type: Literal["time_series_forecast"] = "time_series_forecast"
    id: str
    status: Completed = "completed"
    content: list[TimeSeriesForecast]
    error: None = None


class ForecastResponse(BaseModel):
    """The forecasts, one output for each series, in the order of the request."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "id": "7b5c1a3e-8f0d-4f0c-9d3e-2b1a00112233",
                "created_at": 1750109401,
                "status": "completed",
                "error": None,
                "model": "closecast-panel",
                "outputs": [
                    {
                        "type": "time_series_forecast",
                        "id": "2d9a57a2-6f5f-4f4e-8b56-0d2a7c7f9a10",
                        "status": "completed",
                        "content": [
                            {
                                "type": "univariate_time_series",
                                "name": "PETR4",
                                "mean_forecast": [32.73],
                                "frequency": "D",
                                "start_timestamp": "2025-06-17T00:00:00Z",
                                "quantiles": {"0.1": [31.95], "0.5": [32.73], "0.9": [33.5]},
                            }
                        ],
                        "error": None,
                    }
                ],
                "usage": None,
            }
        }
    )

    id: str
    created_at: int = Field(description="Seconds since 1970.")
    status: Completed = "completed"
    error: None = None
    model: str
    outputs: list[ForecastOutput]
    usage: None = None


class ProtocolError(BaseModel):
    """What is wrong, as KServe tells it."""

    code: str = Field(description="The HTTP status.", examples=["422"])
    message: str = Field(examples=["Input should be less than or equal to 10"])
    param: str = Field(description="The field at fault, if one is.", examples=["options.horizon"])
    type: str = Field(description="The kind of error.", examples=["unprocessable_entity"])


class ErrorResponse(BaseModel):
    """An error, as KServe's clients read it."""

    error: ProtocolError


class ServerLive(BaseModel):
    """The process lives."""

    live: Literal[True] = Field(default=True, examples=[True])


class ServerReady(BaseModel):
    """Forecasts can be answered."""

    ready: Literal[True] = Field(default=True, examples=[True])
