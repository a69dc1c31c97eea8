"""What the predictor answers about itself."""

from typing import Literal

from pydantic import BaseModel, Field


class HealthAnswer(BaseModel):
    """The process lives."""

    status: Literal["healthy"] = Field(default="healthy", examples=["healthy"])


class ReadyAnswer(BaseModel):
    """Forecasts can be answered."""

    status: Literal["ready"] = Field(default="ready", examples=["ready"])
    symbols: int = Field(description="Symbols that there is a forecast of.", examples=[20])
    model: str = Field(examples=["closecast-panel"])
    version: str = Field(examples=["3"])
