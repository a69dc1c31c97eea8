"""What the charts tell the services, against what the services understand."""

from pathlib import Path

import pytest

from closecast_predictor.ray_runtime import serve_environment
from tests.charts.charts import CI_VALUES, RELEASE, Charts, chart_of, name_of
from tests.charts.settings import PORTS, take_settings

pytestmark = pytest.mark.charts


@pytest.mark.parametrize("values", CI_VALUES, ids=name_of)
def test_the_services_take_every_setting(
    charts: Charts, values: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    take_settings(charts.render(chart_of(values), values), monkeypatch, tmp_path)


def test_ray_starts_with_the_environment_that_the_predictor_asks_for(charts: Charts) -> None:
    rendering = charts.render("predictor")

    data = rendering.one("ConfigMap")["data"]
    assert {name: data.get(name) for name in serve_environment()} == serve_environment()
    names = {name for name in data if name.startswith(("RAY_", "FORWARDED"))}
    logs = {"RAY_BACKEND_LOG_LEVEL", "RAY_LOGGER_LEVEL", "RAY_LOG_TO_STDERR"}
    assert names - logs == set(serve_environment())
    assert logs < names
    cluster = rendering.one("RayService")["spec"]["rayClusterConfig"]
    for group in (cluster["headGroupSpec"], *cluster["workerGroupSpecs"]):
        [container] = group["template"]["spec"]["containers"]
        assert {"configMapRef": {"name": f"{RELEASE}-predictor"}} in container["envFrom"]
        folders = {mount["mountPath"] for mount in container["volumeMounts"]}
        assert data["PROMETHEUS_MULTIPROC_DIR"] in folders, "it must be there before the processes are"


@pytest.mark.parametrize("service", PORTS)
def test_metrics_are_scraped_where_the_services_serve_them(charts: Charts, service: str) -> None:
    rendering = charts.render(service, monitoring__serviceMonitor__enabled=True)

    targets = {
        port["port"]
        for one in rendering.of("Service")
        if one["spec"]["clusterIP"] == "None"
        for port in one["spec"]["ports"]
    }
    assert PORTS[service] in targets
    open_ports = {
        port["port"]
        for policy in rendering.of("NetworkPolicy")
        for rule in policy["spec"]["ingress"]
        for port in rule.get("ports", [])
    }
    assert targets <= open_ports
