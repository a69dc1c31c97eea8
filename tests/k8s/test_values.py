"""The values of k8s/values, against the charts and against what else lies in k8s/."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.charts.charts import NAMESPACE, TOOLS, Charts, Rendering
from tests.charts.settings import take_settings
from tests.charts.validation import KUBERNETES, validate
from tests.k8s.manifests import K8S, VALUES, objects_in, objects_of, selects, values_of

pytestmark = pytest.mark.charts
CHART = "closecast"


@pytest.fixture(params=VALUES)
def name(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    return found


@pytest.fixture
def rendering(charts: Charts, name: str) -> Rendering:
    return charts.render(CHART, *values_of(name))


def secrets_in(part: Any) -> Iterator[str]:
    """Yield the names of the Secrets that objects refer to."""
    if isinstance(part, dict):
        for key, value in part.items():
            if key == "secretKeyRef":
                yield value["name"]
            elif key == "secretName":
                yield value
            elif key in {"secretTargetRef", "imagePullSecrets"}:
                yield from (one["name"] for one in value)
            else:
                yield from secrets_in(value)
    elif isinstance(part, list):
        for value in part:
            yield from secrets_in(value)


def pods_of(rendering: Rendering, component: str) -> list[dict[str, str]]:
    return [metadata["labels"] for kind, metadata, _ in rendering.pods() if component in kind]


def test_every_file_is_part_of_a_whole() -> None:
    files = {path.stem for path in (K8S / "values").glob("*.yaml")}

    assert files == {part for parts in VALUES.values() for part in parts}


def test_helm_finds_no_fault(charts: Charts, name: str) -> None:
    files = [argument for path in values_of(name) for argument in ("--values", str(path))]
    done = subprocess.run(
        [TOOLS / "helm", "lint", "--strict", charts.folder / CHART, *files], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout


def test_kubernetes_and_the_operators_take_every_object(charts: Charts, name: str, tmp_path: Path) -> None:
    rendered = tmp_path / "objects.yaml"
    rendered.write_text(charts.render_text(CHART, *values_of(name)))

    done = validate(rendered, KUBERNETES[-1])

    assert done.returncode == 0, done.stdout + done.stderr


def test_the_services_take_every_setting(rendering: Rendering, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    take_settings(rendering, monkeypatch, tmp_path)


def test_every_secret_is_made_by_an_operator_or_told_of(rendering: Rendering) -> None:
    made = {one["metadata"]["name"] for one in objects_in("kafka/base/users.yaml")}
    made |= {f"{one['metadata']['name']}-cluster-ca-cert" for one in objects_in("kafka/base/kafka.yaml")}
    made |= {f"{one['metadata']['name']}-app" for one in objects_in("mlflow/database.yaml")}
    told = set(re.findall(r"create secret \S+ (\S+)", (K8S / "README.md").read_text()))

    wanted = set(secrets_in(rendering.objects))
    assert wanted - made - told == set()
    assert wanted & made


def test_kafka_is_where_the_services_look_and_lets_them_in(rendering: Rendering) -> None:
    [kafka] = objects_in("kafka/base/kafka.yaml")
    [listener] = kafka["spec"]["kafka"]["listeners"]
    [own, keda] = listener["networkPolicyPeers"]

    address = f"{kafka['metadata']['name']}-kafka-bootstrap.{NAMESPACE}:{listener['port']}"
    for service in ("ingestor", "trainer", "predictor"):
        data = (
            rendering.one("ConfigMap", f"-{service}")["data"]
            if service != "ingestor"
            else settings_of_ingestor(rendering)
        )
        assert data["CLOSECAST_KAFKA_BOOTSTRAP_SERVERS"] == address
        for labels in pods_of(rendering, service):
            assert selects(own["podSelector"], labels), service
        [policy] = rendering.of("NetworkPolicy", f"-{service}")
        [rule] = [
            one
            for one in policy["spec"]["egress"]
            if {"port": listener["port"], "protocol": "TCP"} in one.get("ports", [])
        ]
        assert rule["to"] == [
            {"podSelector": {"matchLabels": {"strimzi.io/name": f"{kafka['metadata']['name']}-kafka"}}}
        ]
    assert selects(keda["podSelector"], {"app": "keda-operator"})


def settings_of_ingestor(rendering: Rendering) -> dict[str, str]:
    [found] = [
        one["data"] for one in rendering.of("ConfigMap", "-ingestor") if "universe" not in one["metadata"]["name"]
    ]
    data: dict[str, str] = found
    return data


def test_each_service_is_its_own_user(rendering: Rendering) -> None:
    users = {one["metadata"]["name"] for one in objects_in("kafka/base/users.yaml")}

    for kind, _, spec in rendering.pods():
        for container in spec["containers"]:
            variables = {one["name"]: one for one in container.get("env", [])}
            if "CLOSECAST_KAFKA_SASL_USERNAME" in variables:
                user = variables["CLOSECAST_KAFKA_SASL_USERNAME"]["value"]
                secret = variables["CLOSECAST_KAFKA_SASL_PASSWORD"]["valueFrom"]["secretKeyRef"]
                assert secret == {"name": user, "key": "password"}
                assert user.removeprefix("closecast-") in kind
                users.discard(user)
    assert not users


@pytest.mark.parametrize("name", ["production"])
def test_mlflow_keeps_nothing_itself_and_reaches_its_database(charts: Charts, name: str) -> None:
    rendering = charts.render(CHART, *values_of(name))
    policies = [one for one in objects_of("mlflow") if one["kind"] == "NetworkPolicy"]

    assert not rendering.of("PersistentVolumeClaim", "-mlflow")
    [labels] = pods_of(rendering, "Deployment/try-mlflow")
    [policy] = policies
    [database] = [rule for rule in policy["spec"]["ingress"] if rule["ports"] == [{"port": 5432}]]
    assert selects(database["from"][0]["podSelector"], labels)


@pytest.mark.parametrize("name", ["laptop with GPU", "production with GPU"])
def test_the_trainer_goes_where_a_gpu_is(charts: Charts, name: str) -> None:
    rendering = charts.render(CHART, *values_of(name))

    spec = rendering.one("Deployment", "-trainer")["spec"]["template"]["spec"]
    assert spec["containers"][0]["resources"]["limits"]["nvidia.com/gpu"] == 1
    assert spec["nodeSelector"]
    assert spec["tolerations"]
    for kind, _, other in rendering.pods():
        assert ("nvidia.com/gpu" in str(other)) == ("trainer" in kind), kind


def test_the_universe_of_production_is_told_of() -> None:
    universe = yaml.safe_load((K8S / "values/production.yaml").read_text())["ingestor"]["universe"]

    assert f"create configmap {universe['existingConfigMap']}" in (K8S / "README.md").read_text()
