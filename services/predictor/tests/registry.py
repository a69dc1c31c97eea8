"""Versions in a real MLflow, as the trainer leaves them there."""

from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID, uuid4

from mlflow import MlflowClient
from services.predictor.tests.support import write_version

from closecast.events import ModelEvent
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


def settings_of(uri: str) -> MlflowSettings:
    """Return settings for an MLflow server with a model name of this test's own."""
    return MlflowSettings(tracking_uri=uri, model=f"panel-{uuid4().hex[:8]}", timeout_s=10)


def promote(settings: MlflowSettings, folder: Path, *, shift: float = 0.1) -> ModelEvent:
    """Register a version, make it champion, and return the event that the trainer would send."""
    client = MlflowClient(settings.tracking_uri)
    run_id = _new_run(client, settings)
    client.log_artifacts(run_id, str(write_version(folder, shift=shift)), ARTIFACT_PATH)
    if not client.search_registered_models(f"name = '{settings.model}'"):
        client.create_registered_model(settings.model)
    version = client.create_model_version(settings.model, f"runs:/{run_id}/{ARTIFACT_PATH}", run_id).version
    client.set_registered_model_alias(settings.model, CHAMPION, version)
    return ModelEvent(
        request_id=uuid4(), model=settings.model, outcome="promoted", version=str(version), run_id=run_id, reason="test"
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


class NothingRecorded(Registry):
    """An MLflow that holds no run, for tests that are not about it."""

    def __init__(self) -> None:
        super().__init__(MlflowSettings())

    def outcome(self, _request_id: UUID) -> None:
        return None


def _new_run(client: MlflowClient, settings: MlflowSettings) -> str:
    experiment = client.get_experiment_by_name(settings.experiment)
    experiment_id = experiment.experiment_id if experiment else client.create_experiment(settings.experiment)
    return str(client.create_run(experiment_id).info.run_id)
