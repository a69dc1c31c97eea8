"""The compose files: what Docker Compose makes of them, beside the services and the charts."""

import json
import os
import re
import shutil
import subprocess
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from closecast.settings import refuse_unknown_keys
from closecast_predictor.api.schemas.operations import ReadyAnswer
from tests.charts.charts import ROOT, TOOLS, Charts, RefusedError
from tests.charts.series import DASHBOARDS
from tests.charts.settings import PORTS, SERVICES

pytestmark = [pytest.mark.charts, pytest.mark.usefixtures("charts")]  # it looks for the tools
Service = dict[str, Any]
CHARTS_MK: Final = ROOT / "charts/charts.mk"
YAHOO: Final = ("compose.yaml", "compose/yahoo.yaml")


def load(*files: str, folder: Path = ROOT, **variables: str) -> dict[str, Service]:
    """Return the services as Docker Compose reads them.

    Raises:
        RefusedError: If it refuses a file.
    """
    flags = [f"--file={file}" for file in files or ("compose.yaml",)]
    done = subprocess.run(
        [TOOLS / "docker-compose", *flags, "config", "--format=json"],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "COMPOSE_DISABLE_ENV_FILE": "1"} | variables,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RefusedError(done.stdout + done.stderr)
    services: dict[str, Service] = json.loads(done.stdout)["services"]
    return services


@pytest.fixture(scope="module")
def services() -> dict[str, Service]:
    return load()


@pytest.fixture
def changed(tmp_path: Path) -> Callable[[str, str], dict[str, Service]]:
    """Load the file with a text in it replaced by another."""

    def load_changed(old: str, new: str) -> dict[str, Service]:
        text = (ROOT / "compose.yaml").read_text()
        assert old in text
        (tmp_path / "compose.yaml").write_text(text.replace(old, new))
        return load(folder=tmp_path)

    return load_changed


def load_settings(services: dict[str, Service], monkeypatch: pytest.MonkeyPatch) -> None:
    """Have each service read its environment."""
    for name, (settings, arguments) in SERVICES.items():
        with monkeypatch.context() as patch:
            for key, value in services[name]["environment"].items():
                patch.setenv(key, value)
            refuse_unknown_keys(settings, os.environ)
            settings.load(arguments)


def mounts_of(service: Service) -> dict[str, Path]:
    """Return the files and folders of this repository that a container sees, by their path in it."""
    return {one["target"]: Path(one["source"]) for one in service["volumes"] if one["type"] == "bind"}


def test_a_wrong_key_is_refused(changed: Callable[[str, str], dict[str, Service]]) -> None:
    with pytest.raises(RefusedError, match="mem_limits"):
        changed("mem_limit:", "mem_limits:")


def test_the_services_take_every_setting(services: dict[str, Service], monkeypatch: pytest.MonkeyPatch) -> None:
    load_settings(services, monkeypatch)
    load_settings(load(*YAHOO, SYMBOLS="PETR4,AAPL"), monkeypatch)


def test_a_wrong_setting_is_found(
    changed: Callable[[str, str], dict[str, Service]], monkeypatch: pytest.MonkeyPatch
) -> None:
    services = changed("CLOSECAST_INGESTOR_START", "CLOSECAST_INGESTOR_STRAT")

    with pytest.raises(Exception, match="did you mean CLOSECAST_INGESTOR_START"):
        load_settings(services, monkeypatch)


def test_quotes_are_those_of_the_charts_first_try(charts: Charts, services: dict[str, Service]) -> None:
    [config] = [one["data"] for one in charts.render("closecast").of("ConfigMap", "-ingestor")]

    told = services["ingestor"]["environment"]
    names = {name for name in told if name.startswith("CLOSECAST_INGESTOR_")}
    assert names == {"CLOSECAST_INGESTOR_SOURCE", "CLOSECAST_INGESTOR_START", "CLOSECAST_INGESTOR_END"}
    assert {name: told[name] for name in names} == {name: config[name] for name in names}


def test_yahoo_needs_symbols_and_has_no_end() -> None:
    with pytest.raises(RefusedError, match="SYMBOLS"):
        load(*YAHOO)

    told = load(*YAHOO, SYMBOLS="PETR4")["ingestor"]["environment"]
    assert told["CLOSECAST_INGESTOR_SYMBOLS"] == "PETR4"
    assert "CLOSECAST_INGESTOR_END" not in told


def test_kafka_and_mlflow_are_those_of_the_charts(charts: Charts, services: dict[str, Service]) -> None:
    own_names = {"KAFKA_ADVERTISED_LISTENERS", "MLFLOW_SERVER_ALLOWED_HOSTS"}
    for name, _, spec in charts.render("closecast").pods():
        if not name.endswith(("-kafka", "-mlflow")):
            continue
        [container] = spec["containers"]
        service = services[container["name"]]
        assert container["image"].removeprefix("docker.io/") == service["image"]
        assert service["command"] == (None if name.endswith("-kafka") else container["command"] + container["args"])
        theirs = {one["name"]: one["value"] for one in container["env"]}
        assert theirs.keys() == service["environment"].keys()
        differ = {key for key, value in theirs.items() if service["environment"][key] != value}
        assert differ == own_names & theirs.keys()


@pytest.mark.parametrize("service", SERVICES)
def test_images_are_those_of_the_release(services: dict[str, Service], service: str) -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    one = services[service]

    assert one["image"] == f"closecast/{service}:{version}"
    assert one["pull_policy"] == "never", "no registry has them, or it is someone else's"
    assert load(TAG="1.2.3")[service]["image"] == f"closecast/{service}:1.2.3"
    assert Path(one["build"]["context"]) == ROOT
    dockerfile = (ROOT / one["build"]["dockerfile"]).read_text()
    assert f'title="closecast-{service}"' in dockerfile
    known = set(re.findall(r"^ARG (\w+)", dockerfile, re.MULTILINE))
    assert one["build"]["args"].keys() <= known


def test_containers_are_confined(services: dict[str, Service]) -> None:
    assert len(services) == 7
    for name, one in services.items():
        assert one["read_only"] is True, name
        assert one["cap_drop"] == ["ALL"], name
        assert one["security_opt"] == ["no-new-privileges:true"], name
        assert "mem_limit" in one, name
        assert "healthcheck" in one, name
        assert not one.keys() & {"privileged", "cap_add", "network_mode", "pid", "ipc"}, name
        assert re.search(r":v?\d+\.\d+\.\d+$", one["image"]), name


def test_only_this_machine_gets_in(services: dict[str, Service]) -> None:
    ports = [port for one in services.values() for port in one.get("ports", [])]

    assert {port["target"] for port in ports} == {3000, 5000, 8000, 9090}
    assert {port["host_ip"] for port in ports} == {"127.0.0.1"}


def test_who_waits_for_whom_is_there(services: dict[str, Service]) -> None:
    waits = {name: set(one.get("depends_on", {})) for name, one in services.items()}

    assert waits["ingestor"] == {"kafka"}
    assert waits["trainer"] == waits["predictor"] == {"kafka", "mlflow"}
    for one in services.values():
        for condition in one.get("depends_on", {}).values():
            assert condition["condition"] == "service_healthy"


@pytest.mark.parametrize("service", ["ingestor", "trainer"])
def test_health_is_asked_where_the_services_answer(services: dict[str, Service], service: str) -> None:
    assert f"127.0.0.1:{PORTS[service]}/readyz" in services[service]["healthcheck"]["test"][-1]


@pytest.mark.parametrize(("symbols", "healthy"), [(0, False), (5, True), (10, True)])
def test_the_predictor_is_healthy_once_it_has_forecasts(
    services: dict[str, Service], symbols: int, healthy: bool
) -> None:
    kind, check = services["predictor"]["healthcheck"]["test"]
    assert kind == "CMD-SHELL"
    question, finds = check.split(" | ")
    assert question.endswith(":8000/readyz")
    answer = ReadyAnswer(symbols=symbols, model="closecast-panel", version="base").model_dump_json()

    done = subprocess.run(["sh", "-c", finds], input=answer, text=True, check=False)

    assert (done.returncode == 0) == healthy


def test_prometheus_scrapes_every_service_and_has_every_alert(services: dict[str, Service], tmp_path: Path) -> None:
    for target, source in mounts_of(services["prometheus"]).items():
        place = tmp_path / target.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, place)
    file = tmp_path / "etc/prometheus/prometheus.yml"

    done = subprocess.run([TOOLS / "promtool", "check", "config", file], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 rule files found" in done.stdout
    [job] = yaml.safe_load(file.read_text())["scrape_configs"]
    [static] = job["static_configs"]
    assert set(static["targets"]) == {f"{name}:{port}" for name, port in PORTS.items()}
    assert "namespace" in static["labels"], "dashboards choose by it"


def test_prometheus_is_of_the_version_that_checked_its_configuration(services: dict[str, Service]) -> None:
    promtool = re.search(r"^PROMETHEUS_VERSION := v0\.(\d)0(\d)\.(\d+)$", CHARTS_MK.read_text(), re.MULTILINE)

    assert promtool
    assert services["prometheus"]["image"] == f"prom/prometheus:v{'.'.join(promtool.groups())}"


def test_grafana_finds_prometheus_and_all_dashboards(services: dict[str, Service]) -> None:
    mounts = mounts_of(services["grafana"])
    provisioning = "/etc/grafana/provisioning"
    sources = yaml.safe_load(mounts[f"{provisioning}/datasources/closecast.yaml"].read_text())["datasources"]
    providers = yaml.safe_load(mounts[f"{provisioning}/dashboards/closecast.yaml"].read_text())["providers"]

    assert [(one["type"], one["url"]) for one in sources] == [("prometheus", "http://prometheus:9090")]
    [folder] = [mounts[one["options"]["path"]] for one in providers]
    assert folder == DASHBOARDS
    assert len(list(folder.glob("*.json"))) == 5
