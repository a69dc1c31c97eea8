"""Training requests over HTTP: what is asked and what is answered."""

import datetime as dt
from typing import Any, Final
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from closecast.events import BatchSize, Epochs, Hyperparameters, ModelName, PredictionSteps
from closecast.symbols import Symbol
from closecast_predictor.training import TrainingState

_SYMBOLS: Final = ("symbol", "stock", "symbols")
_STARTS: Final = ("start_date", "start", "inicio")
_ENDS: Final = ("end_date", "end", "fim")
_SYNONYMS: Final = {name: names for names in (_SYMBOLS, _STARTS, _ENDS) for name in names}


class TrainRequest(BaseModel):
    """Asks the trainer for a new version: of the panel's model, or of one symbol's own.

    One symbol alone gets a model of its own, which speaks for it where it beats the panel's in the same backtest.
    """

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {},
                {"symbol": "PETR4", "start_date": "2015-01-01", "epochs": 20, "prediction_steps": 5},
                {"symbols": ["PETR4.SA", "VALE3.SA"], "hyperparameters": {"hidden_size": 32}},
                {"stock": "VALE3", "inicio": "2015-01-01", "fim": "2025-06-30"},
            ]
        },
    )

    model_name: ModelName | None = Field(
        default=None,
        description="Registered model; it follows from the symbols, and one that does not fit them is refused.",
    )
    symbol: Symbol | None = Field(default=None, description="The one symbol to train a model of its own for.")
    stock: Symbol | None = Field(default=None, description="The same as symbol.")
    symbols: tuple[Symbol, ...] = Field(
        default=(), max_length=5000, description="Symbols to train on; none for all that there are quotes of."
    )
    start_date: dt.date | None = Field(default=None, description="First session to use; null for the first there is.")
    start: dt.date | None = Field(default=None, description="The same as start_date.")
    inicio: dt.date | None = Field(default=None, description="The same as start_date.")
    end_date: dt.date | None = Field(default=None, description="Last session to use; null for the latest.")
    end: dt.date | None = Field(default=None, description="The same as end_date.")
    fim: dt.date | None = Field(default=None, description="The same as end_date.")
    epochs: Epochs | None = None
    batch_size: BatchSize | None = None
    prediction_steps: PredictionSteps | None = None
    hyperparameters: Hyperparameters = Field(
        default_factory=Hyperparameters, description="Further settings; those above may stand here too."
    )

    @field_validator(*_SYNONYMS)
    @classmethod
    def _said_once(cls, value: Any, info: ValidationInfo) -> Any:  # noqa: ANN401 - of several types
        for other in _SYNONYMS[str(info.field_name)]:
            if value and info.data.get(other):
                msg = f"says the same as {other}: give one of them"
                raise ValueError(msg)
        return value

    @field_validator(*_ENDS)
    @classmethod
    def _after_the_start(cls, value: dt.date | None, info: ValidationInfo) -> dt.date | None:
        start = _first(info.data, _STARTS)
        if value and start and start > value:
            msg = f"{value} lies before the start, {start}"
            raise ValueError(msg)
        return value

    @field_validator("hyperparameters")
    @classmethod
    def _set_once(cls, value: Hyperparameters, info: ValidationInfo) -> Hyperparameters:
        twice = [name for name in value.model_dump(exclude_none=True) if info.data.get(name) is not None]
        if twice:
            msg = f"{', '.join(twice)} stands outside of it too: give one of them"
            raise ValueError(msg)
        return value

    @property
    def universe(self) -> dict[str, str]:
        """The symbols asked for, each once, and the field that names each; none for all."""
        if (one := self.symbol or self.stock) is not None:
            return {one: "symbol" if self.symbol else "stock"}
        return {symbol: f"symbols.{self.symbols.index(symbol)}" for symbol in self.symbols}

    @property
    def first_session(self) -> dt.date | None:
        """First session to use."""
        return _first(dict(self), _STARTS)

    @property
    def last_session(self) -> dt.date | None:
        """Last session to use."""
        return _first(dict(self), _ENDS)

    @property
    def settings(self) -> Hyperparameters:
        """All that the request sets of the training."""
        outside = {name: getattr(self, name) for name in ("epochs", "batch_size", "prediction_steps")}
        return Hyperparameters(**(self.hyperparameters.model_dump(exclude_none=True) | _given(outside)))


def _first(values: dict[str, Any], names: tuple[str, ...]) -> dt.date | None:
    return next((values[name] for name in names if values.get(name) is not None), None)


def _given(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


_TRAINING: Final[dict[str, Any]] = {
    "id": "0f4ba1c2-5d4a-4d4e-9d0c-1b7f3f8a6b11",
    "state": "running",
    "model": "closecast-petr4.sa",
    "symbols": ["PETR4.SA"],
    "requested_at": "2025-07-01T12:00:00Z",
    "version": None,
    "reason": None,
    "metrics": None,
    "finished_at": None,
    "progress": {"epoch": 12, "epochs": 60, "loss": 0.4713, "validation_loss": 0.4688},
}


class ProgressAnswer(BaseModel):
    """How far a training is; losses are pinball losses in units of volatility."""

    epoch: int | None = Field(description="Latest epoch that is done; 0 is the regression before any LSTM is trained.")
    epochs: int | None = Field(description="Most epochs there will be.")
    loss: float | None = Field(description="Of the epoch, on the training slice.")
    validation_loss: float | None = Field(description="After the epoch, on the validation slice.")


class TrainingAnswer(BaseModel):
    """A training request and what became of it."""

    model_config = ConfigDict(json_schema_extra={"example": _TRAINING})

    id: UUID
    state: TrainingState = Field(description="queued, then running until the outcome is known.")
    model: str
    symbols: tuple[str, ...] = Field(description="Symbols asked for, or that the training saw; empty for all.")
    requested_at: dt.datetime | None
    version: str | None = Field(default=None, description="Version that came of it.")
    reason: str | None = Field(default=None, description="Why the gate decided so, or what failed.")
    metrics: dict[str, dict[str, float]] | None = Field(
        default=None, description="Metrics of the candidate and of what it was compared with."
    )
    finished_at: dt.datetime | None = None
    progress: ProgressAnswer | None = Field(default=None, description="How far it is, while it runs.")


class TrainingsAnswer(BaseModel):
    """The latest training requests, the latest first."""

    trainings: list[TrainingAnswer]
