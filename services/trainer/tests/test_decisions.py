import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar
from uuid import uuid4

import pytest
from mlflow.tracking import MlflowClient
from services.trainer.tests.test_registry import registry_at

from closecast.events import ModelEvent, TrainingRequest
from closecast.mlflow_settings import (
    ARTIFACT_PATH,
    CHALLENGER,
    CHAMPION,
    CHOSEN_TAG,
    OUTCOME_TAG,
    REASON_TAG,
    REQUEST_TAG,
    SKILL_TAG,
)
from closecast_trainer.decisions import Decisions
from closecast_trainer.registry import Champion, Registry

T = TypeVar("T")
METRICS = {"candidate": {"mqloss": 0.009}, "naive": {"mqloss": 0.01}}


class Trainings:
    """Decides trainings of one model."""

    def __init__(self, uri: str, folder: Path) -> None:
        self.client = MlflowClient(tracking_uri=uri)
        self.registry = registry_at(uri)
        self.decisions = Decisions(self.registry)
        self.request = TrainingRequest(model=f"model-{uuid4().hex[:8]}")
        self.model = self.request.model
        self._folder = folder

    def decided(self, outcome: str, identity: str = "", *, retires: bool = False) -> str:
        """Return the run of a training that was decided and not applied yet."""
        standing = self.registry.standing(self.model)
        run_id = self.registry.start_run(self.request, identity or uuid4().hex, {"epochs": 3})
        folder = self._folder / run_id
        folder.mkdir()
        (folder / "spec.json").write_text("{}")
        self.registry.log_folder(run_id, folder, ARTIFACT_PATH)
        event = ModelEvent.model_validate(
            {
                "request_id": self.request.id,
                "model": self.model,
                "outcome": outcome,
                "run_id": run_id,
                "reason": "why",
                "metrics": METRICS,
            }
        )
        self.decisions.decide(run_id, event, standing, retires=retires)
        return run_id

    def alias(self, name: str) -> str | None:
        version = self.client.get_registered_model(self.model).aliases.get(name)
        return None if version is None else str(version)

    def choose(self, version: str) -> None:
        """Promote a version as a person does."""
        self.client.set_registered_model_tag(self.model, CHOSEN_TAG, f"{version} {uuid4()}")
        self.client.set_registered_model_alias(self.model, CHAMPION, version)


@pytest.fixture
def trainings(mlflow_server_uri: str, tmp_path: Path) -> Trainings:
    return Trainings(mlflow_server_uri, tmp_path)


def test_a_promoted_version_is_the_champion_and_a_rejected_one_the_challenger(trainings: Trainings) -> None:
    first = trainings.decided("promoted")
    event = trainings.decisions.apply(first)
    assert (event.outcome, event.version, event.run_id) == ("promoted", "1", first)
    second = trainings.decided("rejected")

    assert trainings.decisions.apply(second).version == "2"

    assert (trainings.alias(CHAMPION), trainings.alias(CHALLENGER)) == ("1", "2")
    assert trainings.registry.champion(trainings.model) == Champion("1", first)
    assert {trainings.client.get_run(run_id).info.status for run_id in (first, second)} == {"FINISHED"}
    tags = trainings.client.get_model_version(trainings.model, "2").tags
    assert (tags[REQUEST_TAG], tags[OUTCOME_TAG], tags[REASON_TAG]) == (str(trainings.request.id), "rejected", "why")
    assert float(tags[SKILL_TAG]) == pytest.approx(0.1)


def test_a_decision_is_found_and_applied_once_whoever_does_it(trainings: Trainings, mlflow_server_uri: str) -> None:
    run_id = trainings.decided("promoted")
    successor = Decisions(registry_at(mlflow_server_uri))
    assert successor.find(trainings.request) == run_id
    first = successor.apply(run_id)
    trainings.decisions.apply(trainings.decided("promoted"))

    assert trainings.decisions.apply(run_id) == first

    assert len(trainings.client.search_model_versions(f"name = '{first.model}'")) == 2
    assert trainings.alias(CHAMPION) == "2"


def test_a_training_is_known_by_its_identity_to_other_requests(trainings: Trainings) -> None:
    other = TrainingRequest(model=trainings.model)
    run_id = trainings.decided("promoted", str(other.id))

    assert trainings.decisions.find(other) is None
    assert trainings.decisions.find(other, str(other.id)) == run_id
    assert trainings.decisions.find(other, "another identity") is None


def test_a_failed_training_is_known_to_its_own_request_only(trainings: Trainings) -> None:
    identity = str(uuid4())
    run_id = trainings.decided("failed", identity)

    event = trainings.decisions.apply(run_id)

    assert (event.outcome, event.version) == ("failed", None)
    assert trainings.client.get_run(run_id).info.status == "FAILED"
    assert trainings.decisions.find(trainings.request) == run_id
    assert trainings.decisions.find(TrainingRequest(model=trainings.model), identity) is None


def test_a_run_that_a_dead_trainer_left_is_closed(trainings: Trainings) -> None:
    run_id = trainings.registry.start_run(trainings.request, "one", {})

    assert trainings.decisions.find(trainings.request) is None
    assert trainings.client.get_run(run_id).info.status == "KILLED"


def test_a_champion_that_is_beaten_by_the_panels_is_retired(trainings: Trainings) -> None:
    trainings.decisions.apply(trainings.decided("promoted"))
    run_id = trainings.decided("rejected", retires=True)

    trainings.decisions.apply(run_id)

    assert (trainings.alias(CHAMPION), trainings.alias(CHALLENGER)) == (None, "2")


class Meddled(Registry):
    """A registry that a person uses too: what they do happens right before the calls with these numbers."""

    def __init__(self, registry: Registry, deeds: dict[int, Callable[[], object]]) -> None:
        self.__dict__ |= registry.__dict__
        self._cancelled = threading.Event()
        self._deeds = deeds
        self._calls = 0

    def call(self, action: Callable[[MlflowClient], T]) -> T:
        self._deeds.pop(self._calls, lambda: None)()
        self._calls += 1
        return super().call(action)

    def finish(self) -> None:
        for deed in self._deeds.values():
            deed()


@pytest.mark.parametrize(
    ("moment", "retires"), [*((at, False) for at in (4, 5, 6, 7, 8)), (5, True), (6, True), (7, True)]
)
def test_a_persons_choice_at_whatever_moment_stands(trainings: Trainings, moment: int, retires: bool) -> None:
    for _ in range(2):
        trainings.decisions.apply(trainings.decided("promoted"))
    run_id = trainings.decided("rejected" if retires else "promoted", retires=retires)
    client, model = trainings.client, trainings.model
    # Calls 5 and 7 look how the model stands, 6 moves the alias.
    meddled = Meddled(
        trainings.registry,
        {
            moment: lambda: client.set_registered_model_tag(model, CHOSEN_TAG, "1 2025-07-01T12:00:00Z"),
            moment + 1: lambda: client.set_registered_model_alias(model, CHAMPION, "1"),
        },
    )

    told = Decisions(meddled).apply(run_id)
    meddled.finish()

    assert trainings.alias(CHAMPION) == "1"
    if told.outcome == "rejected":
        assert trainings.alias(CHALLENGER) == "3"
        assert client.get_model_version(model, "3").tags[OUTCOME_TAG] == "rejected"
    assert trainings.decisions.apply(run_id) == told


def test_a_version_that_was_not_judged_beside_the_champion_does_not_replace_it(trainings: Trainings) -> None:
    for _ in range(2):
        trainings.decisions.apply(trainings.decided("promoted"))
    run_id = trainings.decided("promoted")
    trainings.choose("1")

    told = trainings.decisions.apply(run_id)

    assert (told.outcome, trainings.alias(CHAMPION), trainings.alias(CHALLENGER)) == ("rejected", "1", "3")
    assert "not judged beside version 1" in told.reason


def test_a_choice_whose_alias_did_not_follow_is_named(trainings: Trainings) -> None:
    for _ in range(2):
        trainings.decisions.apply(trainings.decided("promoted"))
    run_id = trainings.decided("promoted")
    trainings.client.set_registered_model_tag(trainings.model, CHOSEN_TAG, "1 2025-07-01T12:00:00Z")

    told = trainings.decisions.apply(run_id)

    assert "not judged beside version 1" in told.reason


def test_a_choice_before_the_training_began_does_not_bind_it(trainings: Trainings) -> None:
    trainings.decisions.apply(trainings.decided("promoted"))
    trainings.choose("1")

    trainings.decisions.apply(trainings.decided("promoted"))

    assert trainings.alias(CHAMPION) == "2"
