"""Forecasts by the name of a company: what is asked."""

from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

from closecast.horizons import HORIZONS
from closecast_predictor.api.schemas.backfills import Fetch
from closecast_predictor.api.schemas.forecasts import Horizon

COMPANY: Final = "Name or ticker of one of the companies that the settings list; case and accents do not matter."

Company = Annotated[str, Field(min_length=1, max_length=60, description=COMPANY, examples=["Petrobras", "itau"])]


class CompanyRequest(BaseModel):
    """Asks for the forecast of a company."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"company": "Petrobras"}, {"company": "VALE3", "horizon": 5}]}
    )

    company: Company
    horizon: Horizon = HORIZONS
    fetch: Fetch = False
