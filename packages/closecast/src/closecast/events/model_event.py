"""What became of a training, and what a person made of a version later."""

from datetime import UTC, datetime
from typing import Any, ClassVar, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field

from closecast.events.base import Event
from closecast.events.training_request import ModelName

TrainingOutcome = Literal["promoted", "rejected", "failed"]
Decider = Literal["gate", "person"]


class ModelEvent(Event):
    """The outcome of one training: promoted to champion, rejected by the gate, or failed; or a person's promotion."""

    example: ClassVar[dict[str, Any]] = {
        "schema_version": "1.0",
        "request_id": "0f4ba1c2-5d4a-4d4e-9d0c-1b7f3f8a6b11",
        "model": "closecast-panel",
        "outcome": "promoted",
        "decided_by": "gate",
        "version": "3",
        "run_id": "8c1f0a6f7b0e4a55b1a7f0c9d9b0f8aa",
        "reason": "no worse than naive, drift, ewma, base, champion",
        "metrics": {
            "candidate": {"mqloss": 0.00951, "rmae": 0.998},
            "naive": {"mqloss": 0.01012, "rmae": 1.0},
        },
        "symbols": ["PETR4.SA", "VALE3.SA"],
        "occurred_at": "2025-07-01T12:01:30Z",
    }

    request_id: UUID = Field(description="The training request that this answers; a new id where a person decided.")
    model: ModelName = Field(description="Name of the registered model.")
    outcome: TrainingOutcome
    decided_by: Decider = Field(
        default="gate", description="The gate at the end of a training, or a person who promoted a version."
    )
    version: str | None = Field(default=None, description="Version in the registry; none if the training failed.")
    run_id: str | None = Field(default=None, description="MLflow run that holds parameters, metrics and artifacts.")
    reason: str = Field(description="Why the gate decided so, or what failed.")
    metrics: dict[str, dict[str, float]] = Field(
        default_factory=dict,
        description="Metrics by name for the candidate, each baseline and the champion, on the same origins.",
    )
    symbols: tuple[str, ...] = Field(default=(), description="Symbols that the training saw.")
    occurred_at: AwareDatetime = Field(default_factory=lambda: datetime.now(UTC))

    def key(self) -> bytes:
        """Return the model's name: compaction keeps the latest outcome of each model."""
        return self.model.encode()
