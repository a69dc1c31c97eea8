"""The images as a cluster runs them: another user than root, a root file system that cannot be written to."""

import json
import re
from collections.abc import Iterator
from typing import Any, Final

import pytest

from tests.charts.charts import ROOT
from tests.support.cluster import Namespace, Pod, PodError
from tests.support.images import PREFIX, TAG
from tests.support.release import eventually

pytestmark = pytest.mark.timeout(600)

SERVICES: Final = ("ingestor", "trainer", "predictor")
VOLUMES: Final[dict[str, dict[str, Any]]] = {
    "/tmp": {},
    "/var/lib/closecast": {},
    "/dev/shm": {"medium": "Memory", "sizeLimit": "256Mi"},
}
NOBODY_THERE: Final = {
    "CLOSECAST_KAFKA_BOOTSTRAP_SERVERS": "localhost:9",
    "CLOSECAST_KAFKA_CONNECT_TIMEOUT_S": "3600",
    "CLOSECAST_MLFLOW_TRACKING_URI": "http://localhost:9",
}
"""A service that waits for Kafka and MLflow is healthy all the same."""

MOST_OF_PREDICTOR: Final = 1_200_000_000
RAY_HEAD: Final = "ulimit -n 65536; ray start --head --block --num-cpus=0 --dashboard-host=0.0.0.0"
RAYLET_HEALTH: Final = "wget --tries 1 -T 2 -q -O- http://localhost:52365/api/local_raylet_healthz | grep success"
"""The command and the probe that KubeRay puts into a head's pod."""

STALE_BYTE_CODE: Final = """
import importlib.util, pathlib, sys
site = pathlib.Path(sys.prefix, "lib", "python3.11", "site-packages")
for source in site.rglob("*.py"):
    compiled = pathlib.Path(importlib.util.cache_from_source(source))
    if compiled.exists() and int.from_bytes(compiled.read_bytes()[8:12], "little") != int(source.stat().st_mtime):
        print("stale", source)
for package in ("closecast", SERVICE, "numpy", "pydantic"):
    if not pathlib.Path(importlib.util.find_spec(package).cached).exists():
        print("not compiled", package)
"""


def image(service: str) -> str:
    return f"{PREFIX}closecast/{service}:{TAG}"


def health_check(service: str) -> list[str]:
    """Return the command of a Dockerfile's HEALTHCHECK, which Kubernetes does not look at."""
    text = (ROOT / "services" / service / "Dockerfile").read_text(encoding="utf-8")
    found = re.search(r"^HEALTHCHECK .*?CMD (\[.*?\])$", text, re.MULTILINE | re.DOTALL)
    assert found is not None
    command: list[str] = json.loads(found[1])
    return command


@pytest.fixture(scope="module", params=SERVICES)
def idle(request: pytest.FixtureRequest, namespace: Namespace) -> Iterator[tuple[str, Pod]]:
    """A service's image, doing nothing."""
    service: str = request.param
    container = {"image": image(service), "command": ["python", "-c", "import time; time.sleep(3600)"]}
    pod = namespace.start(f"idle-{service}", container, {"/tmp": {}})
    pod.wait()
    yield service, pod
    pod.delete()


def test_the_user_is_not_root_and_has_a_home_to_write_in(idle: tuple[str, Pod]) -> None:
    _, pod = idle
    assert pod.python("import os; print(os.getuid(), os.getgid(), os.path.expanduser('~'))") == "10001 10001 /tmp"
    assert pod.python("import getpass; print(getpass.getuser())") == "closecast"
    pod.python("import pathlib; pathlib.Path.home().joinpath('file').touch()")
    with pytest.raises(PodError, match="Read-only file system"):
        pod.run(("touch", "/opt/closecast/file"))


def test_the_command_is_there_and_tells_its_settings(idle: tuple[str, Pod]) -> None:
    service, pod = idle
    assert f"usage: closecast-{service}" in pod.run((f"closecast-{service}", "--help"))


def test_nothing_is_left_of_what_built_it(idle: tuple[str, Pod]) -> None:
    _, pod = idle
    tools = ("uv", "gcc", "cc", "g++", "make", "git")
    assert pod.python(f"import shutil; print([tool for tool in {tools} if shutil.which(tool)])") == "[]"
    assert pod.python("import importlib.util; print(importlib.util.find_spec('pip'))") == "None"
    with pytest.raises(PodError):
        pod.run(("ls", "/build"))


def test_modules_are_compiled_and_no_source_is_newer(idle: tuple[str, Pod]) -> None:
    service, pod = idle
    assert not pod.python(STALE_BYTE_CODE.replace("SERVICE", f"'closecast_{service}'"))


def test_a_service_has_only_its_own_code(idle: tuple[str, Pod]) -> None:
    service, pod = idle
    packages = [f"closecast_{name}" for name in (*SERVICES, "local", "backtest", "tuning")]
    found = pod.python(f"import importlib.util as u; print(*[name for name in {packages} if u.find_spec(name)])")
    assert found == f"closecast_{service}"


def test_only_the_trainer_has_torch(idle: tuple[str, Pod]) -> None:
    service, pod = idle
    found = pod.python("import importlib.util as u; print(any(map(u.find_spec, ('torch', 'triton', 'nvidia'))))")
    assert found == str(service == "trainer")


def test_the_image_of_the_predictor_is_not_too_large(idle: tuple[str, Pod]) -> None:
    service, pod = idle
    # What its user may not read, some files of root's, counts with its size too.
    kilobytes = int(pod.run(("sh", "-c", "du -xsk / 2>/dev/null | cut -f1")))
    assert service != "predictor" or kilobytes * 1024 <= MOST_OF_PREDICTOR


@pytest.mark.parametrize("service", SERVICES)
def test_it_is_healthy_by_its_own_check_and_stops_when_it_is_told_to(service: str, namespace: Namespace) -> None:
    environment = NOBODY_THERE | ({"CLOSECAST_INGESTOR_SOURCE": "sample"} if service == "ingestor" else {})
    container = {
        "image": image(service),
        "env": [{"name": name, "value": value} for name, value in environment.items()],
        "readinessProbe": {"exec": {"command": health_check(service)}, "periodSeconds": 2, "timeoutSeconds": 5},
    }
    pod = namespace.start(f"running-{service}", container, VOLUMES)
    pod.wait()
    pod.python("import os, signal; os.kill(1, signal.SIGTERM)")
    pod.wait("jsonpath={.status.phase}=Succeeded")
    pod.delete()


def test_the_predictor_is_an_image_for_ray(namespace: Namespace) -> None:
    container = {
        "image": image("predictor"),
        "command": ["/bin/bash", "-c", "--"],
        "args": [RAY_HEAD],
        "readinessProbe": {"exec": {"command": ["bash", "-c", RAYLET_HEALTH]}, "periodSeconds": 2, "timeoutSeconds": 5},
    }
    pod = namespace.start("ray-head", container, VOLUMES)
    pod.wait()
    eventually(lambda: "Active:" in pod.run(("ray", "status")), "the autoscaler's first report")
    pod.delete()
