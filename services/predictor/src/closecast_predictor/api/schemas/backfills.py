"""Quotes that are being fetched, over HTTP."""

import datetime as dt
from typing import Annotated, Final, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

FETCH: Final = (
    "Have the quotes of the symbol fetched if there are none: the answer is 202 then, and says where the forecast "
    "appears."
)
Fetch = Annotated[bool, Field(strict=True, description=FETCH)]


class FetchAnswer(BaseModel):
    """The quotes of a symbol are being fetched."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "symbol": "WEGE3.SA",
                "state": "fetching",
                "id": "5b0a7c3e-6a51-4f2e-9d43-2f6a3d0b8c77",
                "since": "2025-07-01T12:00:00Z",
                "location": "/forecast/WEGE3.SA",
            }
        }
    )

    symbol: str
    state: Literal["fetching"] = "fetching"
    id: UUID = Field(description="The request to the ingestor.")
    since: dt.datetime = Field(description="When it was made, or served.")
    location: str = Field(description="Where the forecast appears.")
