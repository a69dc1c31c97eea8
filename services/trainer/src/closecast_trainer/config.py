"""What a training can be told, and what it tells of each epoch; light enough for a process that never trains."""

from dataclasses import dataclass
from typing import Self

from pydantic import BaseModel, ConfigDict, Field

from closecast.events import Hyperparameters
from closecast.horizons import HORIZONS


class TrainingConfig(BaseModel):
    """How to train; the defaults end within a minute on two cores for a few symbols of ten years."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    epochs: int = Field(default=60, ge=1, le=500, description="Most passes over the training slice.")
    patience: int = Field(default=5, ge=1, description="Epochs without a better validation loss before it stops.")
    ridge: float = Field(
        default=2.0, ge=0, description="Penalty of the regression's squared weights, over the sessions it is fitted to."
    )
    members: int = Field(
        default=2, ge=0, le=32, description="LSTMs whose corrections are averaged; 0 for the regression alone."
    )
    hidden_size: int = Field(default=8, ge=4, le=512, description="Width of each LSTM layer.")
    layers: int = Field(default=2, ge=1, le=4, description="LSTM layers.")
    dropout: float = Field(default=0.2, ge=0, lt=1, description="Dropout between the layers and before the head.")
    learning_rate: float = Field(default=1e-3, gt=0, le=1, description="Step size of AdamW.")
    weight_decay: float = Field(default=1e-2, ge=0, description="Weight decay of AdamW.")
    batch_size: int = Field(default=32, ge=1, le=4096, description="Sequences in a batch.")
    sequence_length: int = Field(default=64, ge=32, le=1024, description="Sessions in a sequence.")
    seed: int = Field(default=0, ge=0, lt=2**31, description="Seed of all random numbers.")
    prediction_steps: int = Field(
        default=HORIZONS,
        ge=1,
        le=HORIZONS,
        description="Sessions ahead, from 1 to this, over which a symbol's own model has to beat the panel's as well.",
    )
    threads: int = Field(default=1, ge=1, description="CPU threads of torch; a small LSTM gains nothing from more.")

    @property
    def stride(self) -> int:
        """Sessions from one window of a symbol to the next."""
        return self.sequence_length // 4

    def with_request(self, requested: Hyperparameters) -> Self:
        """Return the configuration with what a training request sets."""
        return self.model_copy(update=requested.model_dump(exclude_none=True))


class GateSettings(BaseModel):
    """The rule: by how much, and how surely, a candidate must be worse to be refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tolerance: float = Field(
        default=0.01, ge=0, description="Share by which a measure may exceed a reference's, as chance allows."
    )
    significance: float = Field(
        default=0.05, gt=0, lt=1, description="p-value (Diebold-Mariano) below which any excess is too much."
    )
    plausible_rmae: float = Field(
        default=0.9,
        ge=0,
        lt=1,
        description="Error of the median over naive's below which a candidate is likelier to have seen the future than "
        "to be that good, and is refused; 0 allows anything.",
    )
    plausible_mqloss: float = Field(
        default=0.8,
        ge=0,
        lt=1,
        description="The same for its pinball loss over the base's: who knows how far a price will go need not know "
        "where.",
    )


@dataclass(frozen=True, slots=True)
class Epoch:
    """What one pass over the training slice came to; losses are pinball in units of volatility.

    Attributes:
        epoch: 0 for the regression before any LSTM is trained.
        training_loss: Mean over the epoch's batches; NaN for epoch 0.
        validation_loss: After the epoch.
        is_best: Whether no earlier epoch had a lower validation loss.
        seconds: Wall time of the epoch.
    """

    epoch: int
    training_loss: float
    validation_loss: float
    is_best: bool
    seconds: float
