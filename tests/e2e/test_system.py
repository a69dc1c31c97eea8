"""The system on a cluster: new quotes, trainings, an upgrade, deaths of pods, and its end."""

import json
from typing import Any

import pytest

from tests.e2e.asking import asking_for
from tests.e2e.trainings import SYMBOL, is_judged, state_of, train
from tests.support.release import NAME, Release, eventually

pytestmark = pytest.mark.timeout(1500)

FORECAST = f"/forecast/{SYMBOL}"
OWNED = "all,configmaps,secrets,persistentvolumeclaims,ingresses,networkpolicies,serviceaccounts,poddisruptionbudgets"


def forecast_from_a_new_quote(release: Release, change: float) -> None:
    session = release.publish_next_session(SYMBOL, change)

    eventually(lambda: release.forecast(SYMBOL)["origin"] == session, "a forecast from the new session")


def test_a_new_quote_changes_the_forecast(release: Release) -> None:
    before = release.forecast(SYMBOL)

    forecast_from_a_new_quote(release, 1.05)
    after = release.forecast(SYMBOL)
    assert after["last_close"] == pytest.approx(1.05 * before["last_close"])
    assert after["predicted_close"] != before["predicted_close"]


def test_a_training_that_is_asked_for_ends_in_a_judged_version(release: Release) -> None:
    training = train(release)

    eventually(lambda: is_judged(release, training), "a judged version", 600)
    told = release.get(f"/train/{training}").json()
    found = release.mlflow(f"model-versions/get?name={told['model']}&version={told['version']}")["model_version"]
    assert {tag["key"]: tag["value"] for tag in found["tags"]}["closecast.outcome"] == told["state"]
    assert found["status"] == "READY"


@pytest.mark.parametrize("actor", ["Api", "Forecaster"])
def test_no_request_fails_while_a_worker_is_deleted(release: Release, actor: str) -> None:
    eventually(lambda: len(release.ray_pods("worker")) >= 2 and release.workers_with(actor), f"a worker with {actor}")
    [worker] = release.workers_with(actor)[:1]

    with asking_for(release, FORECAST) as asked:
        release.delete_pod(worker)
        eventually(lambda: set(release.workers_with(actor)) - {worker}, f"{actor} on another worker")
    assert asked.failures == []
    forecast_from_a_new_quote(release, 0.97)


def test_a_training_outlives_the_death_of_its_trainer(release: Release) -> None:
    training = train(release, epochs=40)
    eventually(lambda: state_of(release, training) == "running", "a training under way")

    (trainer,) = release.pods("app.kubernetes.io/name=trainer")
    release.delete_pod(trainer, "--force")

    eventually(lambda: is_judged(release, training), "a judged version", 900)


def test_forecasts_outlive_the_death_of_kafka(release: Release) -> None:
    with asking_for(release, FORECAST) as asked:
        release.delete_pod(f"{NAME}-kafka-0")
        release.kubectl("wait", "--for=delete", f"pod/{NAME}-kafka-0", "--timeout=100s")
        release.kubectl("rollout", "status", f"statefulset/{NAME}-kafka", "--timeout=110s")
        forecast_from_a_new_quote(release, 1.02)
    assert asked.failures == []


def test_the_system_outlives_the_death_of_the_head(release: Release) -> None:
    (head,) = release.ray_pods("head")
    workers = release.ray_pods("worker")

    release.delete_pod(head)

    # All workers begin anew with a new head.
    eventually(lambda: not set(release.workers_with("Api")) <= set(workers), "a replica of the new head", 600)
    eventually(lambda: release.answers(FORECAST), "forecasts")
    forecast_from_a_new_quote(release, 1.01)


def test_an_upgrade_changes_a_value_and_fails_no_request(release: Release) -> None:
    closes = [10 + 0.1 * (day % 7) for day in range(100)]
    assert release.post("/predict", {"history": closes}).status_code == 200

    with asking_for(release, FORECAST) as asked:
        release.install(
            predictor__config={"CLOSECAST_PREDICTOR_MAX_HISTORY": "70"},
            predictor__ray__gcsFaultTolerance={"redisAddress": "redis:6379", "existingSecret": "redis"},
        )

        def is_changed() -> bool:
            return release.post("/predict", {"history": closes}).status_code == 422

        eventually(is_changed, "the new value")
    assert asked.failures == []
    assert asked.good > 100


def test_no_request_fails_while_a_head_is_replaced_whose_memory_is_in_redis(release: Release) -> None:
    eventually(lambda: len(release.ray_pods("head")) == 1, "the end of the old cluster")
    (head,) = release.ray_pods("head")
    replicas = {worker: release.replicas_on(worker, "Api") for worker in release.ray_pods("worker")}

    with asking_for(release, FORECAST) as asked:
        release.delete_pod(head)
        eventually(lambda: set(release.ray_pods("head")) - {head}, "another head")
        (head,) = release.ray_pods("head")
        release.kubectl("wait", "--for=condition=Ready", f"pod/{head}", "--timeout=110s")
        forecast_from_a_new_quote(release, 0.98)
    assert asked.failures == []
    assert {worker: release.replicas_on(worker, "Api") for worker in release.ray_pods("worker")} == replicas


def test_uninstalling_leaves_nothing(release: Release) -> None:
    def left() -> list[dict[str, Any]]:
        found = json.loads(release.kubectl("get", f"{OWNED},rayservices,rayclusters,scaledobjects", "--output=json"))
        return [one for one in found["items"] if NAME in one["metadata"]["name"]]

    assert left()
    release.helm("uninstall", NAME, "--wait")

    eventually(lambda: not left(), "an empty namespace")
