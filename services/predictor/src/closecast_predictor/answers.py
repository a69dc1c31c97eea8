"""Forecasts as the bytes that HTTP answers with, made once so that a request is a lookup."""

from collections.abc import Mapping
from dataclasses import dataclass
from time import time
from typing import Any, Final

import orjson

from closecast.calendars import calendar_of
from closecast.events import Forecast, HorizonForecast
from closecast.horizons import HORIZONS, LEVELS, LOWER_80, MEDIAN, UPPER_80

_LEVEL_NAMES: Final = tuple(map(str, LEVELS))
_TAILS: Final = tuple(b'],"horizon":%d,"data_age_seconds":' % horizon for horizon in range(HORIZONS + 1))

_LISTED: Final = ("symbol", "exchange", "currency", "origin", "last_close", "predicted_close", "model", "version")


@dataclass(frozen=True, slots=True)
class Answer:
    """One symbol's forecast as JSON, cut after each horizon.

    Attributes:
        text: The JSON object up to its last horizon.
        cuts: For each horizon, where the text ends that covers it and all before it.
        closed_at: When the origin session closed, in seconds since 1970.
        listed: What the list of symbols says of it, a JSON object.
    """

    text: bytes
    cuts: tuple[int, ...]
    closed_at: float
    listed: bytes

    @classmethod
    def of(cls, forecast: Forecast, lookback_days: int | None = None) -> "Answer":
        """Make the answer of a forecast.

        Args:
            forecast: The forecast.
            lookback_days: Sessions that it was made from, where the request has set them.
        """
        summary = forecast_summary(forecast)
        head = orjson.dumps(summary | {"lookback_days": lookback_days})
        text = bytearray(head[:-1] + b',"forecast":[')
        cuts: list[int] = []
        for one in forecast.horizons:
            text += (b"," if cuts else b"") + orjson.dumps(horizon_fields(one))
            cuts.append(len(text))
        closed_at = calendar_of(forecast.exchange).closes_at(forecast.origin).timestamp()
        return cls(bytes(text), tuple(cuts), closed_at, orjson.dumps(_listed_fields(summary, forecast)))

    def body(self, horizon: int) -> bytes:
        """Return the JSON of the first `horizon` sessions, with its age now; the numbers 1 to 10 are valid."""
        return b"%b%b%d}" % (self.text[: self.cuts[horizon - 1]], _TAILS[horizon], max(0.0, time() - self.closed_at))


def list_of(answers: Mapping[str, Answer]) -> bytes:
    """Return the list of symbols as JSON, in alphabetical order."""
    return b'{"symbols":[%b]}' % b",".join(answers[symbol].listed for symbol in sorted(answers))


def forecast_summary(forecast: Forecast) -> dict[str, Any]:
    """Return what an answer says before it comes to the single horizons."""
    return {
        "symbol": forecast.symbol,
        "exchange": forecast.exchange,
        "currency": forecast.currency,
        "model": forecast.model,
        "version": forecast.version,
        "why": forecast.why,
        "skill": forecast.skill,
        "origin": forecast.origin,
        "last_close": forecast.last_close,
        "predicted_close": forecast.horizons[0].quantiles[MEDIAN],
        "made_at": forecast.made_at,
    }


def horizon_fields(one: HorizonForecast) -> dict[str, Any]:
    """Return what an answer says of one horizon."""
    return {
        "horizon": one.horizon,
        "session": one.session,
        "median": one.quantiles[MEDIAN],
        "quantiles": dict(zip(_LEVEL_NAMES, one.quantiles, strict=True)),
    }


def _listed_fields(summary: dict[str, Any], forecast: Forecast) -> dict[str, Any]:
    """Return what the list of symbols says of a forecast; prices in its currency."""
    next_close = forecast.horizons[0].quantiles
    bounds = {"lower_80": next_close[LOWER_80], "upper_80": next_close[UPPER_80]}
    return {name: summary[name] for name in _LISTED} | bounds
