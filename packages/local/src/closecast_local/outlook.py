"""Forecasts as the predictor serves them over HTTP."""

from datetime import date
from typing import Final

import httpx
from pydantic import BaseModel, ConfigDict, Field

from closecast.horizons import HORIZONS, LEVELS, MEDIAN

INTERVAL: Final = (str(LEVELS[MEDIAN - 1 - 1]), str(LEVELS[MEDIAN + 1 + 1]))
"""Names of the quantiles that bound the 80 % interval."""

_TIMEOUT_S: Final = 10.0


class SessionOutlook(BaseModel):
    """The distribution of one future close."""

    model_config = ConfigDict(frozen=True)

    session: date
    median: float
    quantiles: dict[str, float]

    @property
    def interval(self) -> tuple[float, float]:
        """Bounds of the 80 % interval."""
        low, high = INTERVAL
        return self.quantiles[low], self.quantiles[high]


class Outlook(BaseModel):
    """The answer of ``GET /forecast/{symbol}``, as far as it is shown."""

    model_config = ConfigDict(frozen=True)

    symbol: str
    currency: str
    model: str
    version: str
    skill: float | None
    origin: date
    last_close: float
    sessions: tuple[SessionOutlook, ...] = Field(alias="forecast", min_length=1)


def ask_outlook(predictor_url: str, symbol: str) -> Outlook | None:
    """Return the predictor's answer for a symbol, None while it has none.

    Raises:
        pydantic.ValidationError: If the answer is not what the predictor documents.
    """
    try:
        answer = httpx.get(
            f"{predictor_url}/forecast/{symbol}",
            params={"horizon": HORIZONS},
            timeout=_TIMEOUT_S,
            trust_env=False,
        )
    except httpx.HTTPError:
        return None
    return Outlook.model_validate_json(answer.content) if answer.is_success else None
