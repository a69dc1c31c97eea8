"""What lies in k8s/, and the charts with its values, against the API server and the operators' own definitions."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.charts.charts import CRDS, Charts, Object
from tests.charts.conftest import charts
from tests.k8s.manifests import KUSTOMIZATIONS, VALUES, objects_in, objects_of, values_of
from tests.support.cluster import Namespace, kubectl

__all__ = ["charts"]
pytestmark = [pytest.mark.charts, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def definitions(cluster: None, charts: Charts) -> Iterator[None]:  # noqa: ARG001 - only that they are there
    """Define the operators' resources for as long as the tests run, where the cluster does not know them."""
    present = kubectl("get", "customresourcedefinitions", "--output=name")
    added: list[Path] = []
    try:
        for path in sorted(CRDS.glob("*.yaml")):
            definition = yaml.safe_load(path.read_text())
            name, kind = definition["metadata"]["name"], definition["spec"]["names"]["kind"]
            if f"/{name}\n" not in present:
                kubectl("create", f"--filename={path}")
                added.append(path)
                # Before it has accepted the names it has no conditions at all, which to wait for one is an error.
                for state in (f"jsonpath={{.status.acceptedNames.kind}}={kind}", "condition=Established"):
                    kubectl("wait", f"customresourcedefinition/{name}", f"--for={state}", "--timeout=60s")
        yield
    finally:
        for path in added:
            kubectl("delete", f"--filename={path}", "--wait=false")


def is_taken(objects: list[Object], namespace: Namespace) -> None:
    """Have the server check objects as if they were applied; what it would not take is an error."""
    here = [one | {"metadata": one["metadata"] | {"namespace": namespace.name}} for one in objects]
    told = kubectl(
        "apply",
        "--dry-run=server",
        "--validate=strict",
        "--filename=-",
        document={"apiVersion": "v1", "kind": "List", "items": here},
    )
    assert told.count("(server dry run)") == len(objects)


@pytest.mark.usefixtures("definitions")
@pytest.mark.parametrize("kustomization", KUSTOMIZATIONS)
def test_the_server_takes_what_the_services_need(kustomization: str, namespace: Namespace) -> None:
    is_taken(objects_of(kustomization), namespace)


@pytest.mark.usefixtures("definitions")
@pytest.mark.parametrize("name", VALUES)
def test_the_server_takes_the_charts_with_these_values(charts: Charts, name: str, namespace: Namespace) -> None:
    # A pod has to have its service account there already: that of `helm test` is left to Helm.
    objects = [one for one in charts.render("closecast", *values_of(name)).objects if one["kind"] != "Pod"]

    is_taken(objects, namespace)


@pytest.mark.usefixtures("cluster")
def test_the_server_takes_the_namespaces() -> None:
    for one in objects_in("namespaces.yaml"):
        kubectl("apply", "--dry-run=server", "--validate=strict", "--filename=-", document=one)
