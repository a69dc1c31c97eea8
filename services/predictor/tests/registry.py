"""Versions in a real MLflow, as the trainer leaves them there."""

from pathlib import Path
from uuid import uuid4

from mlflow import MlflowClient
from services.predictor.tests.support import write_version

from closecast.events import ModelEvent
from closecast.mlflow_settings import ARTIFACT_PATH, CHAMPION, MlflowSettings


def settings_of(uri: str) -> MlflowSettings:
    """Return settings for an MLflow server with a model name of this test's own."""
    return MlflowSettings(tracking_uri=uri, model=f"panel-{uuid4().hex[:8]}", timeout_s=10)


def promote(settings: MlflowSettings, folder: Path, *, shift: float = 0.1) -> ModelEvent:
    """Register a version, make it champion, and return the event that the trainer would send."""
    client = MlflowClient(settings.tracking_uri)
    experiment = client.get_experiment_by_name(settings.experiment)
    experiment_id = experiment.experiment_id if experiment else client.create_experiment(settings.experiment)
    run_id = client.create_run(experiment_id).info.run_id
    client.log_artifacts(run_id, str(write_version(folder, shift=shift)), ARTIFACT_PATH)
    if not client.search_registered_models(f"name = '{settings.model}'"):
        client.create_registered_model(settings.model)
    version = client.create_model_version(settings.model, f"runs:/{run_id}/{ARTIFACT_PATH}", run_id).version
    client.set_registered_model_alias(settings.model, CHAMPION, version)
    return ModelEvent(
        request_id=uuid4(), model=settings.model, outcome="promoted", version=str(version), run_id=run_id, reason="test"
    )
