"""What holds for every rendering of every chart."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.charts.charts import CI_VALUES, NAMESPACE, TOOLS, Charts, Object, Rendering, chart_of, name_of
from tests.charts.validation import KUBERNETES, RESTRICTED, validate

pytestmark = pytest.mark.charts


@pytest.fixture(params=CI_VALUES, ids=name_of)
def values(request: pytest.FixtureRequest) -> Path:
    path: Path = request.param
    return path


@pytest.fixture
def rendering(charts: Charts, values: Path) -> Rendering:
    return charts.render(chart_of(values), values)


def containers(spec: Object) -> list[Object]:
    return [*spec.get("initContainers", []), *spec["containers"]]


def selects(selector: dict[str, str], metadata: Object, kind: str) -> bool:
    labels = dict(metadata["labels"])
    if "RayService" in kind:
        labels["ray.io/node-type"] = "head" if kind.endswith("/head") else "worker"
    return selector.items() <= labels.items()


def test_helm_finds_no_fault(charts: Charts, values: Path) -> None:
    done = subprocess.run(
        [TOOLS / "helm", "lint", "--strict", charts.folder / chart_of(values), "--values", values],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("version", KUBERNETES)
def test_kubernetes_and_the_operators_take_every_object(
    charts: Charts, values: Path, version: str, tmp_path: Path
) -> None:
    rendered = tmp_path / "objects.yaml"
    rendered.write_text(charts.render_text(chart_of(values), values))

    done = validate(rendered, version)

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.usefixtures("charts")  # it looks for the tools
def test_the_validation_finds_unknown_fields(tmp_path: Path) -> None:
    broken = tmp_path / "broken.yaml"
    spec: dict[str, Any] = {"rayClusterConfig": {"headGroupSpec": {"template": {}, "rayStartParams": {}}}, "serve": 1}
    broken.write_text(
        yaml.safe_dump({"apiVersion": "ray.io/v1", "kind": "RayService", "metadata": {"name": "a"}, "spec": spec})
    )

    done = validate(broken, KUBERNETES[-1])

    assert done.returncode != 0
    assert "serve" in done.stdout + done.stderr


def test_pods_are_restricted(rendering: Rendering) -> None:
    for name, _, spec in rendering.pods():
        context = spec["securityContext"]
        assert context["runAsNonRoot"] is True, name
        assert context["runAsUser"] >= 1000, name
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}, name
        for container in containers(spec):
            assert container["securityContext"] == RESTRICTED, name


def test_nobody_calls_the_api_but_rays_autoscaler(rendering: Rendering) -> None:
    for name, _, spec in rendering.pods():
        if not name.endswith("/head"):
            assert spec["automountServiceAccountToken"] is False, name
    for account in rendering.of("ServiceAccount"):
        assert account["automountServiceAccountToken"] is False


def test_services_do_not_become_settings(rendering: Rendering) -> None:
    assert all(spec["enableServiceLinks"] is False for _, _, spec in rendering.pods())


def test_containers_say_what_they_need_and_which_image(rendering: Rendering) -> None:
    for name, _, spec in rendering.pods():
        for container in containers(spec):
            assert container["resources"]["requests"].keys() >= {"cpu", "memory"}, name
            assert "memory" in container["resources"]["limits"], name
            assert not container["image"].endswith((":latest", ":")), name
            assert ":" in container["image"], name


def test_mounts_have_volumes(rendering: Rendering) -> None:
    claims = {
        claim["metadata"]["name"]
        for one in rendering.of("StatefulSet")
        for claim in one["spec"].get("volumeClaimTemplates", [])
    }
    for name, _, spec in rendering.pods():
        volumes = {volume["name"] for volume in spec.get("volumes", [])} | claims
        for container in containers(spec):
            assert {mount["name"] for mount in container.get("volumeMounts", [])} <= volumes, name


def test_long_running_pods_are_probed(rendering: Rendering) -> None:
    for kind in ("Deployment", "StatefulSet"):
        for one in rendering.of(kind):
            [container] = one["spec"]["template"]["spec"]["containers"]
            assert container.keys() >= {"startupProbe", "livenessProbe", "readinessProbe"}, one["metadata"]["name"]


def test_selectors_find_pods(rendering: Rendering) -> None:
    pods = [(kind, metadata) for kind, metadata, _ in rendering.pods()]
    selectors = [(one, one["spec"]["selector"]) for one in rendering.of("Service")]
    selectors += [(one, one["spec"]["podSelector"]["matchLabels"]) for one in rendering.of("NetworkPolicy")]
    selectors += [(one, one["spec"]["selector"]["matchLabels"]) for one in rendering.of("PodDisruptionBudget")]
    for one, selector in selectors:
        assert any(selects(selector, metadata, kind) for kind, metadata in pods), one["metadata"]["name"]


def test_policies_close_every_pod_in_both_directions(rendering: Rendering, values: Path) -> None:
    if "networkPolicy: {enabled: false}" in values.read_text() and chart_of(values) != "closecast":
        assert not rendering.of("NetworkPolicy")
        return
    policies = rendering.of("NetworkPolicy")
    for kind, metadata, _ in rendering.pods():
        if metadata["labels"].get("app.kubernetes.io/component") == "test" or "networkPolicy" in values.read_text():
            continue
        assert any(
            selects(policy["spec"]["podSelector"]["matchLabels"], metadata, kind)
            and policy["spec"]["policyTypes"] == ["Ingress", "Egress"]
            for policy in policies
        ), kind


def test_monitors_find_services_with_their_ports(rendering: Rendering) -> None:
    for monitor in rendering.of("ServiceMonitor"):
        selector = monitor["spec"]["selector"]["matchLabels"]
        found = [one for one in rendering.of("Service") if selector.items() <= one["metadata"]["labels"].items()]
        ports = {port["name"] for one in found for port in one["spec"]["ports"]}
        assert ports == {endpoint["port"] for endpoint in monitor["spec"]["endpoints"]}
        assert monitor["spec"]["namespaceSelector"] == {"matchNames": [NAMESPACE]}


def test_no_secret_is_written(rendering: Rendering) -> None:
    assert not rendering.of("Secret")
