"""The files of k8s/, as the tests see them."""

import subprocess
from functools import cache
from pathlib import Path
from typing import Final

import yaml

from tests.charts.charts import ROOT, TOOLS, Object

K8S: Final = ROOT / "k8s"
KUSTOMIZATIONS: Final = ("kafka/laptop", "kafka/production", "mlflow", "ray-training")
VALUES: Final = {
    "laptop": ("kafka", "monitoring", "laptop"),
    "production": ("kafka", "monitoring", "production"),
    "production with GPU": ("kafka", "monitoring", "production", "gpu-training"),
    "production with Ray": ("kafka", "monitoring", "production", "ray-training"),
    "laptop with GPU": ("kafka", "laptop", "gpu-training"),
}
"""Files of values that are meant to go together."""


def objects_in(path: str) -> list[Object]:
    """Return the objects of a file of k8s/."""
    return [one for one in yaml.safe_load_all((K8S / path).read_text()) if one]


@cache
def built(kustomization: str) -> str:
    """Return what a kustomization of k8s/ comes to."""
    return subprocess.run(
        [TOOLS / "kustomize", "build", K8S / kustomization], check=True, capture_output=True, text=True
    ).stdout


def objects_of(kustomization: str) -> list[Object]:
    """Return its objects."""
    return [one for one in yaml.safe_load_all(built(kustomization)) if one]


def values_of(name: str) -> list[Path]:
    """Return the files of values that go by a name."""
    return [K8S / "values" / f"{part}.yaml" for part in VALUES[name]]


def selects(selector: Object, labels: dict[str, str]) -> bool:
    """Tell whether a selector of labels finds a pod that has these."""
    wanted: dict[str, str] = selector.get("matchLabels", {})
    return wanted.items() <= labels.items()
