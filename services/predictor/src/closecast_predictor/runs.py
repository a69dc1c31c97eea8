"""Trainings as MLflow has them: how far one is, and what became of it."""

import tempfile
from dataclasses import dataclass
from pathlib import Path
from threading import Condition
from typing import Any, Final
from uuid import UUID

from cachetools import TTLCache, cached

from closecast.events import ModelEvent
from closecast.mlflow_settings import APPLIED, OUTCOME_FILE, REQUEST_TAG, STATE_TAG, answer_tag
from closecast_predictor.registry import Registry, reaching

_FRESH_S: Final = 2.0
"""How long an answer of MLflow is told again: pages ask every other second, each of them."""
_REMEMBERED: Final = 1000
_LOSS: Final = "loss/training"
_VALIDATION_LOSS: Final = "loss/validation"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a training is.

    Attributes:
        epoch: Latest epoch that is done; 0 is the regression before any LSTM is trained, None before that.
        epochs: Most epochs there will be.
        loss: Mean pinball loss of the epoch's batches, in units of volatility; None for epoch 0.
        validation_loss: The same on the validation slice, after the epoch.
    """

    epoch: int | None
    epochs: int | None
    loss: float | None
    validation_loss: float | None


class TrainingRuns:
    """Looks trainings up by the request that called for them.

    Args:
        registry: MLflow.
    """

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        answers: TTLCache[Any, ModelEvent | Progress | None] = TTLCache(_REMEMBERED, _FRESH_S)
        self._looked_up = cached(answers, condition=Condition())(self._look_up)

    def find(self, request_id: UUID) -> ModelEvent | Progress | None:
        """Return what became of a request, or how far its training is; None if none has begun.

        Raises:
            RegistryUnavailableError: If MLflow does not answer.
        """
        return self._looked_up(request_id)

    def _look_up(self, request_id: UUID) -> ModelEvent | Progress | None:
        with reaching():
            client = self._registry.client
            experiment = client.get_experiment_by_name(self._registry.settings.experiment)
            if experiment is None:
                return None
            for of_the_request in (f"tags.`{REQUEST_TAG}` = '{request_id}'", f"tags.`{answer_tag(request_id)}` != ''"):
                runs = client.search_runs(
                    [experiment.experiment_id], of_the_request, max_results=1, order_by=["attributes.start_time DESC"]
                )
                for run in runs:
                    if run.data.tags.get(STATE_TAG) == APPLIED:
                        return self._outcome(run.info.run_id).model_copy(update={"request_id": request_id})
                    if run.info.status == "RUNNING":
                        return self._progress(run)
        return None

    def _outcome(self, run_id: str) -> ModelEvent:
        client = self._registry.client
        with tempfile.TemporaryDirectory(prefix="closecast-outcome-") as folder:
            event = ModelEvent.from_bytes(Path(client.download_artifacts(run_id, OUTCOME_FILE, folder)).read_bytes())
        versions = client.search_model_versions(f"run_id = '{run_id}'")
        return event.model_copy(update={"version": str(versions[0].version)}) if versions else event

    def _progress(self, run: Any) -> Progress:  # noqa: ANN401 - mlflow is untyped
        epochs = run.data.params.get("epochs")
        losses = self._registry.client.get_metric_history(run.info.run_id, _VALIDATION_LOSS)
        latest = max(losses, key=lambda metric: metric.step, default=None)
        return Progress(
            epoch=None if latest is None else int(latest.step),
            epochs=None if epochs is None else int(epochs),
            loss=run.data.metrics.get(_LOSS),
            validation_loss=None if latest is None else float(latest.value),
        )
