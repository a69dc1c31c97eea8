"""A wish for a new model version."""

from datetime import UTC, date, datetime
from typing import Annotated, Any, ClassVar, Literal, Self
from uuid import UUID, uuid4

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from closecast.events.base import Event
from closecast.horizons import HORIZONS
from closecast.symbols import Symbol

ModelName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,127}$")]
"""Name of a registered model: lower case, usable in a topic key, a URL and a path."""

TrainingReason = Literal["new-sessions", "request", "drift", "schedule"]


Epochs = Annotated[int, Field(ge=1, le=500, description="Passes over the training span.")]
BatchSize = Annotated[int, Field(ge=1, le=4096, description="Sequences in a batch.")]
PredictionSteps = Annotated[
    int,
    Field(
        ge=1,
        le=HORIZONS,
        description="Sessions ahead, from 1 to this, over which a symbol's own model has to beat the panel's too; "
        "the gate judges by all of them in any case.",
    ),
]


class Hyperparameters(BaseModel):
    """What a request may set of a training; what it leaves out is the trainer's own setting."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    epochs: Epochs | None = None
    hidden_size: int | None = Field(default=None, ge=4, le=512, description="Width of each LSTM layer.")
    layers: int | None = Field(default=None, ge=1, le=4, description="LSTM layers.")
    dropout: float | None = Field(default=None, ge=0, lt=1, description="Dropout between the layers.")
    learning_rate: float | None = Field(default=None, gt=0, le=1, description="Step size of the optimizer.")
    batch_size: BatchSize | None = None
    sequence_length: int | None = Field(default=None, ge=32, le=1024, description="Sessions in a training sequence.")
    seed: int | None = Field(default=None, ge=0, lt=2**31, description="Seed of all random numbers.")
    prediction_steps: PredictionSteps | None = None


class TrainingRequest(Event):
    """Asks the trainer for a new version of a model, and says why."""

    example: ClassVar[dict[str, Any]] = {
        "schema_version": "1.0",
        "id": "0f4ba1c2-5d4a-4d4e-9d0c-1b7f3f8a6b11",
        "model": "closecast-panel",
        "symbols": ["PETR4.SA", "VALE3.SA"],
        "start": "2015-01-01",
        "end": "2025-06-30",
        "hyperparameters": {"epochs": 20},
        "reason": "request",
        "requested_at": "2025-07-01T12:00:00Z",
    }

    id: UUID = Field(default_factory=uuid4, description="Identifies the request; its outcome carries it.")
    model: ModelName = Field(description="Name of the registered model.")
    symbols: tuple[Symbol, ...] = Field(
        default=(), max_length=5000, description="Symbols to train on; none for all that there are quotes of."
    )
    start: date | None = Field(default=None, description="First session to use; none for the first there is.")
    end: date | None = Field(default=None, description="Last session to use; none for the latest.")
    hyperparameters: Hyperparameters = Field(default_factory=Hyperparameters)
    reason: TrainingReason = Field(default="request", description="What called for the training.")
    requested_at: AwareDatetime = Field(default_factory=lambda: datetime.now(UTC))

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.start and self.end and self.start > self.end:
            msg = f"start: {self.start} lies after end {self.end}"
            raise ValueError(msg)
        return self

    def key(self) -> bytes:
        """Return the model's name: requests for a model stay in order."""
        return self.model.encode()
