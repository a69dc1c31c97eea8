"""Forecasts over HTTP: what is asked and what is answered."""

import datetime as dt
from typing import Annotated, Final, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictInt, model_validator

from closecast.events import ModelName
from closecast.horizons import HORIZONS, LEVELS
from closecast.mlflow_settings import DEFAULT_MODEL
from closecast.symbols import parse_symbol
from closecast_predictor.api.schemas.backfills import Fetch
from closecast_predictor.api.schemas.histories import History

FEWEST_SESSIONS: Final = 30
"""Sessions below which a history says too little of how much a stock moves."""

EXAMPLE_CLOSES: Final = [round(32.4 + 0.07 * (at * 5 % 11), 2) for at in range(FEWEST_SESSIONS)]


def _known_shape(text: object) -> object:
    return parse_symbol(text) if isinstance(text, str) else text


RequestedSymbol = Annotated[
    str,
    BeforeValidator(_known_shape),
    Field(
        description="Symbol in Yahoo's notation; B3's tickers with or without .SA.",
        min_length=1,
        max_length=18,
        examples=["PETR4.SA"],
    ),
]
Horizon = Annotated[StrictInt, Field(ge=1, le=HORIZONS, description="Sessions ahead.")]


class PredictRequest(BaseModel):
    """Asks for the forecast of a symbol, or of a history that comes with the request."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"symbol": "PETR4.SA", "horizon": 5},
                {"symbol": "PETR4.SA", "lookback_days": 120},
                {"symbol": "PETR4.SA", "fetch": True},
                {"symbol": "PETR4.SA", "model_name": DEFAULT_MODEL},
                {"history": [{"close": close} for close in EXAMPLE_CLOSES], "symbol": "PETR4.SA", "horizon": 3},
                {"history": [*EXAMPLE_CLOSES]},
            ]
        },
    )

    model_name: ModelName | None = Field(
        default=None,
        description="Registered model that is to answer: the panel's or the symbol's own; null for whichever speaks.",
        examples=[DEFAULT_MODEL],
    )
    symbol: RequestedSymbol | None = None
    history: History | None = Field(
        default=None,
        description=f"Sessions, oldest first, or closes alone; at least {FEWEST_SESSIONS}. With a symbol, its exchange "
        "tells the sessions that follow.",
    )
    horizon: Horizon = HORIZONS
    lookback_days: Annotated[StrictInt, Field(ge=FEWEST_SESSIONS)] | None = Field(
        default=None,
        description="Forecast a known symbol from only so many of its latest sessions, at most all that are "
        "kept; null for all that the model looks at.",
    )
    fetch: Fetch = False

    @model_validator(mode="after")
    def _asks_for_something(self) -> Self:
        if self.symbol is None and self.history is None:
            raise ValueError("give a symbol or a history")
        if self.lookback_days is not None and self.history is not None:
            raise ValueError("lookback_days goes with a symbol alone; cut the history instead")
        return self


class HorizonAnswer(BaseModel):
    """The forecast of one close."""

    horizon: int = Field(description="Sessions after the origin.")
    session: dt.date | None = Field(description="The session that is forecast; null for a history without dates.")
    median: float
    quantiles: dict[str, float] = Field(description=f"Price at each of the levels {', '.join(map(str, LEVELS))}.")


class PredictAnswer(BaseModel):
    """A forecast, which model made it, and how that model compares with "the close stays where it is"."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "symbol": "PETR4.SA",
                "exchange": "BVMF",
                "currency": "BRL",
                "model": "closecast-panel",
                "version": "3",
                "why": "the panel's champion, which speaks for every symbol that has none of its own",
                "skill": 0.06,
                "origin": "2025-06-16",
                "last_close": 32.72,
                "predicted_close": 32.73,
                "made_at": "2025-06-16T21:30:01.120000+00:00",
                "lookback_days": None,
                "forecast": [
                    {
                        "horizon": 1,
                        "session": "2025-06-17",
                        "median": 32.73,
                        "quantiles": dict(
                            zip(map(str, LEVELS), (31.31, 31.95, 32.37, 32.73, 33.08, 33.5, 34.19), strict=True)
                        ),
                    }
                ],
                "horizon": 1,
                "data_age_seconds": 5460,
            }
        }
    )

    symbol: str | None
    exchange: str | None = Field(description="Market identifier code (ISO 10383).")
    currency: str | None = Field(description="Currency of the prices (ISO 4217).")
    model: str
    version: str = Field(description='Version of the model, or "base" where the base speaks: `why` tells the reason.')
    why: str = Field(
        description="Why this model speaks for the symbol: its own champion, the panel's, or the base in their place."
    )
    skill: float | None = Field(
        description="1 - mqloss / mqloss of naive, measured when the version was trained; above 0 is better."
    )
    origin: dt.date | None = Field(description="Latest session that the forecast knows.")
    last_close: float
    predicted_close: float = Field(description="Median of the next session.")
    made_at: dt.datetime
    lookback_days: int | None = Field(
        description="Latest sessions that the forecast was made from, where the request has set them; fewer than it "
        "asked for if there are no more."
    )
    forecast: list[HorizonAnswer]
    horizon: int
    data_age_seconds: int | None = Field(
        description="Seconds since the origin session closed; null where the origin is no session of the exchange."
    )
