"""skaffold.yaml: what Skaffold makes of it with each profile, beside the charts, their values and the Dockerfiles."""

import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest
import yaml

from tests.charts.charts import ROOT, TOOLS, Charts, Object, RefusedError, Rendering
from tests.charts.settings import SERVICES
from tests.charts.validation import KUBERNETES, RESTRICTED, validate

pytestmark = pytest.mark.charts
PROFILES: Final = ("", "dev", "ci", "production")
REGISTRY: Final = "registry.example.com:5000/team/"
TAG: Final = "0123456789abcdef"
BUILT: Final = {f"closecast/{name}": f"closecast/{name}:{TAG}" for name in SERVICES}
DIGEST: Final = f"sha256:{'0' * 64}"
VERIFY: Final = "skaffold/verify.yaml"
PACKAGES: Final = "/opt/closecast/lib/python3.11/site-packages"


@dataclass(frozen=True, slots=True)
class Skaffold:
    """A copy of what Skaffold reads, and Skaffold."""

    folder: Path

    def config(self, profile: str = "") -> Object:
        """Return the configuration with a profile.

        Raises:
            RefusedError: If Skaffold refuses it.
        """
        config: Object = yaml.safe_load(self._run("diagnose", "--yaml-only", *_of(profile)))
        return config

    def render(self, profile: str = "", images: dict[str, str] = BUILT) -> Rendering:
        """Render what is deployed with a profile and with these images, by their names in the configuration."""
        built = self.folder / "built.json"
        built.write_text(json.dumps({"builds": [{"imageName": name, "tag": tag} for name, tag in images.items()]}))
        text = self._run("render", "--offline=true", "--digest-source=tag", f"--build-artifacts={built}", *_of(profile))
        return Rendering([one for one in yaml.safe_load_all(text) if one])

    def _run(self, *arguments: str) -> str:
        environment = {"PATH": f"{TOOLS}:{os.environ['PATH']}", "HOME": str(self.folder)}
        command = [str(TOOLS / "skaffold"), *arguments, "--interactive=false", "--update-check=false"]
        done = subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RefusedError(done.stdout + done.stderr)
        return done.stdout


def _of(profile: str) -> list[str]:
    return [f"--profile={profile}"] if profile else []


@pytest.fixture(scope="module")
def skaffold(charts: Charts, tmp_path_factory: pytest.TempPathFactory) -> Skaffold:
    folder = tmp_path_factory.mktemp("skaffold")
    shutil.copytree(charts.folder, folder / "charts")
    for name in ("k8s", "skaffold"):
        shutil.copytree(ROOT / name, folder / name)
    shutil.copy(ROOT / "skaffold.yaml", folder)
    return Skaffold(folder)


def images_of(rendering: Rendering) -> set[str]:
    """Return the images that pods have of ours."""
    return {
        container["image"]
        for name, _, spec in rendering.pods()
        if not name.endswith(("-kafka", "-mlflow"))
        for container in spec["containers"]
    }


@pytest.fixture(params=PROFILES)
def profile(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    return found


@pytest.fixture
def artifacts(skaffold: Skaffold, profile: str) -> dict[str, Object]:
    return {one["image"]: one for one in skaffold.config(profile)["build"]["artifacts"]}


def test_a_wrong_key_is_refused(skaffold: Skaffold, tmp_path: Path) -> None:
    text = (skaffold.folder / "skaffold.yaml").read_text()
    assert "valuesFiles:" in text
    (tmp_path / "skaffold.yaml").write_text(text.replace("valuesFiles:", "valueFiles:"))

    with pytest.raises(RefusedError, match="valueFiles"):
        Skaffold(tmp_path).config()


@pytest.mark.parametrize("service", SERVICES)
def test_images_are_built_as_make_does(artifacts: dict[str, Object], service: str) -> None:
    assert artifacts.keys() == {f"closecast/{name}" for name in SERVICES}
    docker = artifacts[f"closecast/{service}"]["docker"]

    assert docker["dockerfile"] == f"services/{service}/Dockerfile"
    known = set(re.findall(r"^ARG (\w+)", (ROOT / docker["dockerfile"]).read_text(), re.MULTILINE))
    assert docker.get("buildArgs", {}).keys() <= known
    assert ("TORCH" in docker.get("buildArgs", {})) == (service == "trainer")


def test_only_production_leaves_this_machine_and_says_what_it_is(
    skaffold: Skaffold, profile: str, artifacts: dict[str, Object]
) -> None:
    build = skaffold.config(profile)["build"]
    production = profile == "production"

    assert build["local"]["push"] is production
    for one in artifacts.values():
        assert ({"VERSION", "REVISION"} <= one["docker"].get("buildArgs", {}).keys()) == production
    tagged_by_commit = build["tagPolicy"].get("gitCommit", {}).get("variant") == "CommitSha"
    assert tagged_by_commit == (profile in {"ci", "production"})


def test_what_was_built_is_deployed(skaffold: Skaffold, profile: str) -> None:
    assert images_of(skaffold.render(profile)) == set(BUILT.values())


def test_what_was_pushed_is_deployed_by_its_digest(skaffold: Skaffold) -> None:
    pushed = {f"closecast/{name}": f"{REGISTRY}closecast/{name}:{TAG}@{DIGEST}" for name in SERVICES}

    rendering = skaffold.render("production", pushed)

    assert {image.partition("@")[2] for image in images_of(rendering)} == {DIGEST}
    assert all(image.startswith(REGISTRY) for image in images_of(rendering))


def test_sources_are_copied_where_python_looks_first(skaffold: Skaffold) -> None:
    artifacts = {one["image"]: one for one in skaffold.config("dev")["build"]["artifacts"]}
    [synced] = [name for name, one in artifacts.items() if "sync" in one]
    assert synced == "closecast/predictor"
    sync = artifacts[synced]["sync"]
    folders = {"packages/closecast/src/", "services/predictor/src/"}
    assert {rule["strip"] for rule in sync["manual"]} == folders
    assert {rule["src"] for rule in sync["manual"]} == {f"{folder}**/*" for folder in folders}
    [place] = {rule["dest"] for rule in sync["manual"]}

    rayservice = skaffold.render("dev").one("RayService")["spec"]["rayClusterConfig"]

    for group in (rayservice["headGroupSpec"], *rayservice["workerGroupSpecs"]):
        spec = group["template"]["spec"]
        [container] = spec["containers"]
        assert {"name": "PYTHONPATH", "value": place} in container["env"]
        [volume] = [one["name"] for one in container["volumeMounts"] if one["mountPath"] == place]
        assert {"name": volume, "emptyDir": {}} in spec["volumes"]


def test_what_is_not_changed_is_copied_from_where_the_image_has_it(skaffold: Skaffold) -> None:
    [sync] = [one["sync"] for one in skaffold.config("dev")["build"]["artifacts"] if "sync" in one]
    [before] = [hook["container"]["command"] for hook in sync["hooks"]["before"]]
    [after] = [hook["container"]["command"] for hook in sync["hooks"]["after"]]

    assert f"{PACKAGES}/closecast*" in before[-1]
    dockerfile = (ROOT / "services/predictor/Dockerfile").read_text()
    assert "VIRTUAL_ENV=/opt/closecast" in dockerfile
    assert {line.split()[1] for line in dockerfile.splitlines() if line.startswith("FROM python")} == {
        "python:3.11-slim"
    }
    # It kills: here it is only read.
    assert after[:2] == ["python", "-c"]
    compile(after[2], "hook", "exec")


def test_doors_that_are_forwarded_are_there(skaffold: Skaffold) -> None:
    rendering = skaffold.render("dev")
    services = {one["metadata"]["name"] for one in rendering.of("Service")}
    # KubeRay's name of it
    services.add(f"{rendering.one('RayService')['metadata']['name']}-serve-svc")

    for door in skaffold.config("dev")["portForward"]:
        assert door["resourceName"] in services
        assert door["namespace"] == "closecast"


def test_verification_is_that_of_helm_test(skaffold: Skaffold, profile: str) -> None:
    [case] = skaffold.config(profile)["verify"]
    job = yaml.safe_load((ROOT / VERIFY).read_text())
    [container] = job["spec"]["template"]["spec"]["containers"]
    pod = skaffold.render(profile).one("Pod", "test")
    [asks] = pod["spec"]["containers"]
    told = {one["name"]: one.get("value", one.get("valueFrom")) for one in asks["env"]}

    assert case["executionMode"]["kubernetesCluster"]["jobManifestPath"].endswith(VERIFY)
    assert case["container"]["name"] == container["name"]
    assert case["container"]["command"] == asks["command"]
    variables = {one["name"]: one.get("value", one.get("valueFrom")) for one in container["env"]}
    assert variables["ADDRESS"] == told["ADDRESS"]
    if "API_KEY" in told:
        assert variables["API_KEY"]["secretKeyRef"] == told["API_KEY"]["secretKeyRef"] | {"optional": True}
    added = {one["name"]: one["value"] for one in case["container"].get("env", [])}
    assert added.get("GUARDED", "") == told["GUARDED"]


def test_the_job_of_the_verification_is_restricted_and_known_to_policies(charts: Charts) -> None:
    job = yaml.safe_load((ROOT / VERIFY).read_text())
    spec, labels = job["spec"]["template"]["spec"], job["spec"]["template"]["metadata"]["labels"]
    [container] = spec["containers"]

    assert container["securityContext"] == RESTRICTED
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    pod = charts.render("closecast").one("Pod", "test")
    assert labels.items() <= pod["metadata"]["labels"].items()
    done = validate(ROOT / VERIFY, KUBERNETES[-1])
    assert done.returncode == 0, done.stdout + done.stderr
