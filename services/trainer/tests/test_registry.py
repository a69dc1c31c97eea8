import threading
import time
from pathlib import Path
from uuid import uuid4

import pytest
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient
from prometheus_client import CollectorRegistry

from closecast.events import TrainingRequest
from closecast.mlflow_settings import ARTIFACT_PATH, CHAMPION, MlflowSettings
from closecast.ports import free_ports
from closecast_trainer.metrics import TrainerMetrics
from closecast_trainer.registry import Champion, Registry, Standing, TrainingCancelledError


def registry_at(uri: str, cancelled: threading.Event | None = None) -> Registry:
    settings = MlflowSettings(tracking_uri=uri, experiment="registry-tests", timeout_s=10)
    return Registry(settings, cancelled or threading.Event(), TrainerMetrics(CollectorRegistry()))


@pytest.fixture
def registry(mlflow_server_uri: str) -> Registry:
    return registry_at(mlflow_server_uri)


@pytest.fixture
def client(mlflow_server_uri: str) -> MlflowClient:
    return MlflowClient(tracking_uri=mlflow_server_uri)


@pytest.fixture
def request_for_training() -> TrainingRequest:
    return TrainingRequest(model=f"model-{uuid4().hex[:8]}")


def test_the_champion_comes_back_as_it_was_uploaded(
    registry: Registry, client: MlflowClient, request_for_training: TrainingRequest, tmp_path: Path
) -> None:
    model = request_for_training.model
    assert (registry.champion(model), registry.standing(model)) == (None, Standing())
    run_id = registry.start_run(request_for_training, "one", {"epochs": 3})
    (tmp_path / "up").mkdir()
    (tmp_path / "up" / "spec.json").write_text("{}")
    registry.log_folder(run_id, tmp_path / "up", ARTIFACT_PATH)
    client.create_registered_model(model)
    client.create_model_version(model, f"runs:/{run_id}/{ARTIFACT_PATH}", run_id)
    client.set_registered_model_alias(model, CHAMPION, "1")

    champion = registry.champion(model)

    assert champion == Champion("1", run_id)
    assert registry.standing(model) == Standing("1")
    down = tmp_path / "down"
    down.mkdir()
    assert (registry.download(champion, down) / "spec.json").read_text() == "{}"


def test_a_wrong_call_is_not_repeated(registry: Registry) -> None:
    began = time.monotonic()
    with pytest.raises(MlflowException, match="not found"):
        registry.call(lambda client: client.get_run("0" * 32))
    assert time.monotonic() - began < 5


def test_a_server_that_is_down_is_waited_for_until_the_trainer_stops() -> None:
    (port,) = free_ports(1)
    cancelled = threading.Event()
    registry = registry_at(f"http://127.0.0.1:{port}", cancelled)
    threading.Timer(2.0, cancelled.set).start()
    began = time.monotonic()
    with pytest.raises(TrainingCancelledError):
        registry.champion("model")
    assert 2 <= time.monotonic() - began < 5
