"""The Ray cluster that trainings spread over, against the chart that leads to it."""

from importlib.metadata import version

import pytest

from tests.charts.charts import Charts, Object
from tests.charts.validation import RESTRICTED
from tests.k8s.manifests import objects_of, selects, values_of

pytestmark = [pytest.mark.charts, pytest.mark.usefixtures("charts")]


@pytest.fixture
def objects() -> dict[str, Object]:
    return {one["kind"]: one for one in objects_of("ray-training")}


def test_the_trainer_is_led_to_its_head(charts: Charts, objects: dict[str, Object]) -> None:
    rendering = charts.render("closecast", *values_of("production with Ray"))

    cluster = objects["RayCluster"]["metadata"]["name"]
    settings = rendering.one("ConfigMap", "-trainer")["data"]
    assert settings["RAY_ADDRESS"] == f"ray://{cluster}-head-svc:10001", "as KubeRay calls the head's Service"


def test_only_trainers_and_its_own_nodes_reach_it(charts: Charts, objects: dict[str, Object]) -> None:
    rendering = charts.render("closecast", *values_of("production with Ray"))

    policy = objects["NetworkPolicy"]["spec"]
    assert selects(policy["podSelector"], {"ray.io/cluster": objects["RayCluster"]["metadata"]["name"]})
    (client,) = [rule for rule in policy["ingress"] if rule.get("ports") == [{"port": 10001}]]
    (peer,) = client["from"]
    reaching = [kind for kind, metadata, _ in rendering.pods() if selects(peer["podSelector"], metadata["labels"])]
    assert reaching
    assert all("trainer" in kind for kind in reaching)


def test_its_nodes_run_the_trainers_image_and_ray(charts: Charts, objects: dict[str, Object]) -> None:
    trainer = charts.render("trainer").one("Deployment")["spec"]["template"]["spec"]["containers"][0]

    spec = objects["RayCluster"]["spec"]
    assert spec["rayVersion"] == version("ray")
    for group in (spec["headGroupSpec"], *spec["workerGroupSpecs"]):
        pod = group["template"]["spec"]
        (container,) = pod["containers"]
        assert container["image"] == trainer["image"]
        assert container["securityContext"] == RESTRICTED
        assert pod["securityContext"]["runAsNonRoot"] is True
