"""kind, the namespaces, and the operators: as a helmfile and as plain commands."""

import re
import shlex
import subprocess

import yaml

from tests.charts.charts import ROOT, Object
from tests.k8s.manifests import K8S, objects_in

HELMFILE = yaml.safe_load((K8S / "operators/helmfile.yaml").read_text())
CHARTS_MK = (ROOT / "charts/charts.mk").read_text()
MAKE = ("make", "--dry-run", "--no-print-directory", "-C", str(ROOT), "operators")


def releases_of_helmfile() -> dict[str, Object]:
    repositories = {one["name"]: one["url"] for one in HELMFILE["repositories"]}
    found = {}
    for release in HELMFILE["releases"]:
        repository, chart = release["chart"].split("/")
        found[release["name"]] = {
            "chart": chart,
            "--repo": repositories[repository],
            "--version": release["version"],
            "--namespace": release["namespace"],
            "--values": [f"k8s/operators/{name}" for name in release["values"]],
        }
    return found


def releases_of_make(*arguments: str) -> dict[str, Object]:
    told = subprocess.run([*MAKE, *arguments], check=True, capture_output=True, text=True).stdout
    found = {}
    for line in told.replace("\\\n", " ").splitlines():
        if not line.startswith("helm "):
            continue
        _, _, _, name, chart, *options = shlex.split(line)
        release: Object = dict(zip(options[::2], options[1::2], strict=True))
        found[name] = release | {"chart": chart, "--values": [release["--values"]]}
    return found


def test_helmfile_and_plain_commands_say_the_same() -> None:
    assert releases_of_helmfile() == releases_of_make()


def test_some_operators_can_be_left_out() -> None:
    assert releases_of_make("OPERATORS=strimzi keda").keys() == {"strimzi", "keda"}


def test_every_version_is_exact_and_every_repository_used() -> None:
    for name, release in releases_of_helmfile().items():
        assert re.fullmatch(r"\d+\.\d+\.\d+", release["--version"]), name
    used = {release["chart"].split("/")[0] for release in HELMFILE["releases"]}
    assert used == {one["name"] for one in HELMFILE["repositories"]}


def test_every_file_of_values_belongs_to_an_operator() -> None:
    files = {path.name for path in (K8S / "operators").glob("*.yaml")} - {"helmfile.yaml"}

    assert files == {name for release in HELMFILE["releases"] for name in release["values"]}
    for name in files:
        assert isinstance(yaml.safe_load((K8S / "operators" / name).read_text()), dict), name


def test_every_namespace_is_there_and_says_what_pods_may_do() -> None:
    namespaces = objects_in("namespaces.yaml")

    levels = {
        one["metadata"]["name"]: one["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] for one in namespaces
    }
    assert levels.keys() == {"closecast", *(release["namespace"] for release in HELMFILE["releases"])}
    assert {name for name, level in levels.items() if level != "restricted"} == {"monitoring"}


def test_strimzi_looks_where_kafka_is() -> None:
    strimzi = yaml.safe_load((K8S / "operators/strimzi.yaml").read_text())

    assert strimzi["watchNamespaces"] == [
        yaml.safe_load((K8S / "kafka/laptop/kustomization.yaml").read_text())["namespace"]
    ]


def test_kind_leads_to_the_ingress_controller() -> None:
    ports = yaml.safe_load((K8S / "operators/traefik.yaml").read_text())["ports"]
    kind = yaml.safe_load((K8S / "kind.yaml").read_text())

    mapped = {
        one["hostPort"]: one["containerPort"] for node in kind["nodes"] for one in node.get("extraPortMappings", [])
    }
    assert mapped == {80: ports["web"]["nodePort"], 443: ports["websecure"]["nodePort"]}
    assert all(one["listenAddress"] == "127.0.0.1" for one in kind["nodes"][0]["extraPortMappings"])


def test_kind_runs_the_kubernetes_that_the_charts_are_rendered_for() -> None:
    nodes = yaml.safe_load((K8S / "kind.yaml").read_text())["nodes"]
    images = "\n".join(node["image"] for node in nodes)
    minors = re.findall(r"^kindest/node:v1\.(\d+)\.\d+@sha256:[0-9a-f]{64}$", images, re.MULTILINE)

    assert len(minors) == len(nodes)
    assert set(minors) == set(re.findall(r"^HELM_KUBERNETES := (\d+)$", CHARTS_MK, re.MULTILINE))
