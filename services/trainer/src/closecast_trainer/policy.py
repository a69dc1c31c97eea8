"""When the data call for a new model version."""

from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID, uuid5

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from closecast.events import TrainingReason, TrainingRequest
from closecast.settings import SettingsGroup
from closecast_trainer.history import History, PastTraining

_NAMESPACE: Final = UUID("5f6d7c1e-3f0e-4d0b-9a5a-6c8f3f1f0a2d")


class PolicySettings(SettingsGroup):
    """When to train without being asked."""

    model_config = SettingsConfigDict(env_prefix="CLOSECAST_TRAINER_POLICY_", extra="forbid", frozen=True)

    retrain_after_sessions: int = Field(
        default=21, ge=0, description="New sessions since the last training that call for the next; 0 for never."
    )
    retrain_every_days: float = Field(
        default=0, ge=0, description="Days after which to train again if any quote is new; 0 for never."
    )
    min_sessions: int = Field(default=400, ge=1, description="Sessions in the history before the first training.")
    quiet_s: float = Field(
        default=2.0, ge=0, description="How long no quote may have arrived: training waits until a load is complete."
    )


class RetrainingPolicy:
    """Decides on the history alone, so that a trainer that takes over decides the same.

    Args:
        settings: The thresholds.
        history: The quotes and the trainings so far.
        model: Name of the registered model that is kept up to date.
    """

    def __init__(self, settings: PolicySettings, history: History, model: str) -> None:
        self._settings = settings
        self._history = history
        self._model = model

    def due(self, now: datetime | None = None) -> TrainingRequest | None:
        """Return the request that the data call for, or None.

        The same data and reason make the same request id, so that a request that is published twice, because a trainer
        died right after it, counts once.
        """
        last = self._history.last_training(self._model)
        reason = self._reason(last, now or datetime.now(UTC))
        if reason is None:
            return None
        fingerprint = self._history.panel().fingerprint()
        if last is not None and fingerprint == last.fingerprint:
            return None
        return TrainingRequest(
            id=uuid5(_NAMESPACE, f"{self._model}|{fingerprint}|{reason}"), model=self._model, reason=reason
        )

    def _reason(self, last: PastTraining | None, now: datetime) -> TrainingReason | None:
        settings = self._settings
        if self._history.count_sessions() < settings.min_sessions:
            return None
        if settings.retrain_after_sessions:
            new_sessions = self._history.count_sessions(after=last.last_session if last else None)
            if new_sessions >= settings.retrain_after_sessions:
                return "new-sessions"
        if settings.retrain_every_days and (
            last is None or now - last.finished_at >= timedelta(days=settings.retrain_every_days)
        ):
            return "schedule"
        return None
