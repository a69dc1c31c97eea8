"""Renders the charts with Helm, as the tests see them."""

import json
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
TOOLS = ROOT / ".tools/bin"
CRDS = ROOT / ".tools/crds"
RELEASE, NAMESPACE = "try", "space"
NAMES = ("ingestor", "trainer", "predictor", "closecast")
"""The charts in the order in which they depend on each other."""

CI_VALUES = sorted((ROOT / "charts").glob("*/ci/*-values.yaml"))
MINIMAL: dict[str, dict[str, Any]] = {
    "ingestor": {"kafka.bootstrapServers": "kafka:9092", "source": "sample"},
    "trainer": {"kafka.bootstrapServers": "kafka:9092", "mlflow.trackingUri": "http://mlflow:5000"},
    "predictor": {"kafka.bootstrapServers": "kafka:9092", "mlflow.trackingUri": "http://mlflow:5000"},
    "closecast": {"kafka.enabled": True, "mlflow.enabled": True, "ingestor.source": "sample"},
}
"""The least that each chart needs to be told."""

Object = dict[str, Any]


class RefusedError(Exception):
    """Helm did not render the chart; the message is Helm's."""


@dataclass(frozen=True, slots=True)
class Rendering:
    """The objects that a chart comes to."""

    objects: list[Object]

    def of(self, kind: str, name: str = "") -> list[Object]:
        """Return the objects of a kind whose names contain a text."""
        return [one for one in self.objects if one["kind"] == kind and name in one["metadata"]["name"]]

    def one(self, kind: str, name: str = "") -> Object:
        """Return the only such object."""
        [found] = self.of(kind, name)
        return found

    def pods(self) -> Iterator[tuple[str, Object, Object]]:
        """Yield name, metadata and spec of every pod that comes of the objects."""
        for one in self.objects:
            name, spec = f"{one['kind']}/{one['metadata']['name']}", one.get("spec", {})
            if one["kind"] == "Pod":
                yield name, one["metadata"], spec
            elif one["kind"] in {"Deployment", "StatefulSet", "Job"}:
                yield name, spec["template"]["metadata"], spec["template"]["spec"]
            elif one["kind"] == "RayService":
                cluster = spec["rayClusterConfig"]
                for group in (cluster["headGroupSpec"], *cluster["workerGroupSpecs"]):
                    template = group["template"]
                    yield f"{name}/{group.get('groupName', 'head')}", template["metadata"], template["spec"]


@dataclass(frozen=True, slots=True)
class Charts:
    """A copy of the charts, with what they depend on beside them."""

    folder: Path

    def render(self, chart: str, *values: Path, **changes: Any) -> Rendering:
        """Render a chart: what it needs at least or files of values, and changes by path (kafka__tls__caKey=…).

        Raises:
            RefusedError: If Helm refuses.
        """
        return Rendering([one for one in yaml.safe_load_all(self.render_text(chart, *values, **changes)) if one])

    def render_text(self, chart: str, *values: Path, **changes: Any) -> str:
        """Return the same as text."""
        settings = {} if values else dict(MINIMAL[chart])
        settings |= {name.replace("__", "."): value for name, value in changes.items()}
        command = [str(TOOLS / "helm"), "template", RELEASE, str(self.folder / chart), "--namespace", NAMESPACE]
        for path in values:
            command += ["--values", str(path)]
        for name, value in settings.items():
            command += ["--set-json", f"{name}={json.dumps(value)}"]
        return _run(*command)


@cache
def _run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RefusedError(re.sub(r"\s+", " ", done.stderr))
    return done.stdout


def chart_of(values: Path) -> str:
    """Return the chart that a file of values under charts/ is for."""
    return values.parts[-3]


def name_of(values: Path) -> str:
    """Return a short name of such a file, for the tests' names."""
    return f"{chart_of(values)}-{values.name.removesuffix('-values.yaml')}"
