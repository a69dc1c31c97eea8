"""What the predictor answers about itself."""

from typing import Literal

from pydantic import BaseModel, Field


class HealthAnswer(BaseModel):
    """The process lives."""

    status: Literal["healthy"] = "healthy"


class ReadyAnswer(BaseModel):
    """Forecasts can be answered."""

    status: Literal["ready"] = "ready"
    symbols: int = Field(description="Symbols that there is a forecast of.")
    model: str
    version: str
