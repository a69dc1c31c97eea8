"""What a training came to, as the event that tells it."""

from dataclasses import dataclass

from closecast.events import ModelEvent, TrainingRequest
from closecast.forecasting.metrics import finite
from closecast_trainer.worker import Judged


@dataclass(frozen=True, slots=True)
class Verdict:
    """What shall become of a training.

    Attributes:
        event: The outcome.
        retires: Whether the champion that was judged with it ceases to be one.
    """

    event: ModelEvent
    retires: bool = False


def judged(request: TrainingRequest, run_id: str, outcome: Judged, symbols: tuple[str, ...]) -> ModelEvent:
    """Return the event of a training that was completed."""
    return ModelEvent(
        request_id=request.id,
        model=request.model,
        outcome="promoted" if outcome.promoted else "rejected",
        run_id=run_id,
        reason=outcome.reason,
        metrics=finite(outcome.measures),
        symbols=symbols,
    )


def failed(request: TrainingRequest, run_id: str | None, reason: str, symbols: tuple[str, ...] = ()) -> ModelEvent:
    """Return the event of a training that was not."""
    return ModelEvent(
        request_id=request.id, model=request.model, outcome="failed", run_id=run_id, reason=reason, symbols=symbols
    )
