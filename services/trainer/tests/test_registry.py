import threading
import time
from pathlib import Path
from uuid import uuid4

import pytest
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient
from prometheus_client import CollectorRegistry

from closecast.events import ModelEvent, TrainingRequest
from closecast.mlflow_settings import ARTIFACT_PATH, CHALLENGER, CHAMPION, MlflowSettings
from closecast.ports import free_ports
from closecast_trainer.metrics import TrainerMetrics
from closecast_trainer.registry import Champion, Registry, TrainingCancelledError


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


def decided_run(registry: Registry, request: TrainingRequest, identity: str, outcome: str, folder: Path) -> str:
    run_id = registry.start_run(request, identity, {"epochs": 3})
    folder.mkdir()
    (folder / "spec.json").write_text("{}")
    registry.log_folder(run_id, folder, ARTIFACT_PATH)
    event = ModelEvent.model_validate(
        {"request_id": request.id, "model": request.model, "outcome": outcome, "run_id": run_id, "reason": "why"}
    )
    registry.decide(run_id, event)
    return run_id


def test_a_promoted_version_is_the_champion_and_a_rejected_one_the_challenger(
    registry: Registry, client: MlflowClient, request_for_training: TrainingRequest, tmp_path: Path
) -> None:
    model = request_for_training.model
    assert registry.champion(model) is None
    first = decided_run(registry, request_for_training, "one", "promoted", tmp_path / "one")
    event = registry.apply(first)
    assert (event.outcome, event.version, event.run_id) == ("promoted", "1", first)
    second = decided_run(registry, request_for_training, "two", "rejected", tmp_path / "two")
    assert registry.apply(second).version == "2"
    assert client.get_model_version_by_alias(model, CHAMPION).version == "1"
    assert client.get_model_version_by_alias(model, CHALLENGER).version == "2"
    assert registry.champion(model) == Champion("1", first)
    assert {client.get_run(run_id).info.status for run_id in (first, second)} == {"FINISHED"}
    tags = client.get_model_version(model, "2").tags
    assert tags["closecast.request_id"] == str(request_for_training.id)
    assert tags["closecast.outcome"] == "rejected"
    assert tags["closecast.reason"] == "why"


def test_the_champion_comes_back_as_it_was_uploaded(
    registry: Registry, request_for_training: TrainingRequest, tmp_path: Path
) -> None:
    registry.apply(decided_run(registry, request_for_training, "one", "promoted", tmp_path / "up"))
    champion = registry.champion(request_for_training.model)
    assert champion is not None
    down = tmp_path / "down"
    down.mkdir()
    assert (registry.download(champion, down) / "spec.json").read_text() == "{}"


def test_a_decision_is_found_and_applied_once_whoever_does_it(
    registry: Registry,
    client: MlflowClient,
    request_for_training: TrainingRequest,
    mlflow_server_uri: str,
    tmp_path: Path,
) -> None:
    run_id = decided_run(registry, request_for_training, "one", "promoted", tmp_path / "one")
    successor = registry_at(mlflow_server_uri)
    assert successor.find(request_for_training) == run_id
    first = successor.apply(run_id)
    later = decided_run(registry, request_for_training, "two", "promoted", tmp_path / "two")
    registry.apply(later)
    assert registry.apply(run_id) == first
    assert len(client.search_model_versions(f"name = '{first.model}'")) == 2
    assert client.get_model_version_by_alias(first.model, CHAMPION).version == "2"


def test_a_training_is_known_by_its_identity_to_other_requests(
    registry: Registry, request_for_training: TrainingRequest, tmp_path: Path
) -> None:
    other = TrainingRequest(model=request_for_training.model)
    run_id = decided_run(registry, request_for_training, f"{other.id}", "promoted", tmp_path / "one")
    assert registry.find(other) is None
    assert registry.find(other, str(other.id)) == run_id
    assert registry.find(other, "another identity") is None


def test_a_failed_training_is_known_to_its_own_request_only(
    registry: Registry, client: MlflowClient, request_for_training: TrainingRequest, tmp_path: Path
) -> None:
    identity = str(uuid4())
    run_id = decided_run(registry, request_for_training, identity, "failed", tmp_path / "one")
    event = registry.apply(run_id)
    assert (event.outcome, event.version) == ("failed", None)
    assert client.get_run(run_id).info.status == "FAILED"
    assert registry.find(request_for_training) == run_id
    assert registry.find(TrainingRequest(model=request_for_training.model), identity) is None


def test_a_run_that_a_dead_trainer_left_is_closed(
    registry: Registry, client: MlflowClient, request_for_training: TrainingRequest
) -> None:
    run_id = registry.start_run(request_for_training, "one", {})
    assert registry.find(request_for_training) is None
    assert client.get_run(run_id).info.status == "KILLED"


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
