"""Training requests over HTTP: what is asked and what is answered."""

import datetime as dt
from typing import Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from closecast.events import Hyperparameters
from closecast.symbols import Symbol
from closecast_predictor.training import TrainingState


class TrainRequest(BaseModel):
    """Asks the trainer for a new version of the model."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {},
                {"symbols": ["PETR4.SA", "VALE3.SA"], "start": "2015-01-01", "hyperparameters": {"epochs": 20}},
            ]
        },
    )

    symbols: tuple[Symbol, ...] = Field(
        default=(), max_length=5000, description="Symbols to train on; none for all that there are quotes of."
    )
    start: dt.date | None = Field(default=None, description="First session to use; null for the first there is.")
    end: dt.date | None = Field(default=None, description="Last session to use; null for the latest.")
    hyperparameters: Hyperparameters = Field(default_factory=Hyperparameters)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.start and self.end and self.start > self.end:
            raise ValueError(f"start {self.start} lies after end {self.end}")
        return self


class TrainingAnswer(BaseModel):
    """A training request and what became of it."""

    id: UUID
    state: TrainingState = Field(description="queued until the outcome is known.")
    model: str
    symbols: tuple[str, ...] = Field(description="Symbols asked for, or that the training saw; empty for all.")
    requested_at: dt.datetime | None
    version: str | None = Field(default=None, description="Version that came of it.")
    reason: str | None = Field(default=None, description="Why the gate decided so, or what failed.")
    metrics: dict[str, dict[str, float]] | None = Field(
        default=None, description="Metrics of the candidate and of what it was compared with."
    )
    finished_at: dt.datetime | None = None
