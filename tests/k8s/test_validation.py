"""Whether Kubernetes and the operators take every object of k8s/, by their own schemas."""

from pathlib import Path

import pytest

from tests.charts.validation import KUBERNETES, validate
from tests.k8s.manifests import K8S, KUSTOMIZATIONS, built, objects_of

pytestmark = [pytest.mark.charts, pytest.mark.usefixtures("charts")]


@pytest.mark.parametrize("kustomization", KUSTOMIZATIONS)
def test_every_object_is_valid(kustomization: str, tmp_path: Path) -> None:
    objects = tmp_path / "objects.yaml"
    objects.write_text(built(kustomization))

    done = validate(objects, KUBERNETES[-1])

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("version", KUBERNETES)
def test_the_namespaces_are_valid(version: str) -> None:
    done = validate(K8S / "namespaces.yaml", version)

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("kustomization", "text", "fault"),
    [
        ("kafka/laptop", "scram-sha-512", "scram-sha-513"),
        ("kafka/laptop", "operations:", "operation:"),
        ("kafka/laptop", "partitions: 8", "partitions: 0"),
        ("kafka/production", "kraftMetadata:", "metadata:"),
        ("mlflow", "instances: 3", "instances: 0"),
        ("mlflow", "podMetricsEndpoints:", "endpoints:"),
        ("ray-training", "workerGroupSpecs:", "workers:"),
        ("ray-training", "replicas: 2", "replicas: two"),
    ],
)
def test_a_fault_would_be_found(kustomization: str, text: str, fault: str, tmp_path: Path) -> None:
    assert text in built(kustomization)
    objects = tmp_path / "objects.yaml"
    objects.write_text(built(kustomization).replace(text, fault))

    assert validate(objects, KUBERNETES[-1]).returncode != 0


@pytest.mark.parametrize("kustomization", KUSTOMIZATIONS)
def test_everything_goes_where_the_services_are(kustomization: str) -> None:
    assert {one["metadata"]["namespace"] for one in objects_of(kustomization)} == {"closecast"}


def test_every_kustomization_is_looked_at() -> None:
    found = {str(path.parent.relative_to(K8S)) for path in K8S.rglob("kustomization.yaml")}

    assert found == {*KUSTOMIZATIONS, "kafka/base"}
