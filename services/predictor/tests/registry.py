"""Versions in a real MLflow, as the trainer leaves them there."""

from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID, uuid4

from mlflow import MlflowClient
from mlflow.entities import Metric
from services.predictor.tests.support import write_version

from closecast.events import ModelEvent, TrainingRequest
from closecast.mlflow_settings import (
    APPLIED,
    ARTIFACT_PATH,
    CHAMPION,
    OUTCOME_FILE,
    REQUEST_TAG,
    STATE_TAG,
    MlflowSettings,
    answer_tag,
)
from closecast_predictor.registry import Registry
from closecast_predictor.runs import TrainingRuns


def settings_of(uri: str) -> MlflowSettings:
    """Return settings for an MLflow server with a model name of this test's own."""
    return MlflowSettings(tracking_uri=uri, model=f"panel-{uuid4().hex[:8]}", timeout_s=10)


def promote(
    settings: MlflowSettings, folder: Path, *, symbol: str | None = None, log_stretch: float = 0.1
) -> ModelEvent:
    """Register a version of the panel's or a symbol's own model, make it champion, and return the trainer's event."""
    model = settings.model if symbol is None else settings.names.own(symbol)
    universe = ("PETR4.SA", "VALE3.SA") if symbol is None else (symbol,)
    return make_champion(settings, write_version(folder, log_stretch=log_stretch, universe=universe), model)


def make_champion(settings: MlflowSettings, folder: Path, model: str) -> ModelEvent:
    """Register a folder as a version, make it champion, and return the trainer's event."""
    event = register(settings, folder, model)
    MlflowClient(settings.tracking_uri).set_registered_model_alias(model, CHAMPION, str(event.version))
    return event


def register(settings: MlflowSettings, folder: Path, model: str) -> ModelEvent:
    """Register a folder as a version that is no champion yet, and return the event that would tell its promotion."""
    client = MlflowClient(settings.tracking_uri)
    run_id = _new_run(client, settings)
    client.log_artifacts(run_id, str(folder), ARTIFACT_PATH)
    if not client.search_registered_models(f"name = '{model}'"):
        client.create_registered_model(model)
    version = client.create_model_version(model, f"runs:/{run_id}/{ARTIFACT_PATH}", run_id).version
    return ModelEvent(
        request_id=uuid4(), model=model, outcome="promoted", version=str(version), run_id=run_id, reason="test"
    )


def record_outcome(settings: MlflowSettings, event: ModelEvent, asked_again: UUID) -> None:
    """Write down the outcome of a training, and that it answers another request too."""
    client = MlflowClient(settings.tracking_uri)
    run_id = _new_run(client, settings)
    with TemporaryDirectory() as folder:
        path = Path(folder) / OUTCOME_FILE
        path.write_bytes(event.to_bytes())
        client.log_artifact(run_id, str(path))
    for tag, value in (
        (REQUEST_TAG, str(event.request_id)),
        (answer_tag(asked_again), "request"),
        (STATE_TAG, APPLIED),
    ):
        client.set_tag(run_id, tag, value)


class RunningTraining:
    """A training that is under way in MLflow."""

    def __init__(self, settings: MlflowSettings, request: TrainingRequest) -> None:
        self._client = MlflowClient(settings.tracking_uri)
        self._run_id = _new_run(self._client, settings)
        self._client.set_tag(self._run_id, REQUEST_TAG, str(request.id))
        self._client.log_param(self._run_id, "epochs", 3)

    def epoch(self, number: int, *, validation: float, training: float | None = None) -> None:
        """Log the losses of an epoch as the trainer does."""
        losses = {"validation": validation} | ({} if training is None else {"training": training})
        metrics = [Metric(f"loss/{split}", loss, 0, number) for split, loss in losses.items()]
        self._client.log_batch(self._run_id, metrics=metrics)


class NothingRecorded(TrainingRuns):
    """An MLflow that holds no run, for tests that are not about it."""

    def __init__(self) -> None:
        super().__init__(Registry(MlflowSettings()))

    def find(self, _request_id: UUID) -> None:
        return None


def _new_run(client: MlflowClient, settings: MlflowSettings) -> str:
    experiment = client.get_experiment_by_name(settings.experiment)
    experiment_id = experiment.experiment_id if experiment else client.create_experiment(settings.experiment)
    return str(client.create_run(experiment_id).info.run_id)
