"""The series that the services have, and those that rules and dashboards name."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

from tests.charts.charts import ROOT

SERVICES: Final = ("ingestor", "trainer", "predictor")
DASHBOARDS: Final = ROOT / "charts/closecast/files/dashboards"
_OWN: Final = re.compile(r"(?<![\w:])(?:closecast|http|model)_\w+")
_SUFFIXES: Final = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count"), "gauge": ("",)}
_MADE_BY: Final = {
    "ingestor": "import closecast_ingestor.metrics",
    "trainer": "from closecast_trainer.metrics import TrainerMetrics; TrainerMetrics()",
    "predictor": "import closecast_predictor.metrics",
}
_TOLD: Final = (
    "import json, prometheus_client as p; print(json.dumps([(m.name, m.type) for m in p.REGISTRY.collect()]))"
)


def rules_of(service: str) -> Path:
    """Return the file of a service's alerts."""
    return ROOT / "charts" / service / "files/rules.yaml"


def rules(service: str) -> Iterator[dict[str, Any]]:
    """Yield a service's rules, alerts and recorded series."""
    for group in yaml.safe_load(rules_of(service).read_text())["groups"]:
        yield from group["rules"]


@cache
def dashboards() -> dict[str, dict[str, Any]]:
    """Return Grafana's dashboards by the names of their files."""
    return {file.name: json.loads(file.read_text()) for file in sorted(DASHBOARDS.glob("*.json"))}


def queries_of(dashboard: dict[str, Any]) -> list[str]:
    """Return what a dashboard asks Prometheus."""
    return [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", [])]


def own_series_in(query: str) -> set[str]:
    """Return the names of our services' series in a query."""
    return set(_OWN.findall(query))


@cache
def series_of(service: str) -> frozenset[str]:
    """Return the names of all series that a service has."""
    script = f"{_MADE_BY[service]}; {_TOLD}"
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    return frozenset(f"{name}{suffix}" for name, kind in json.loads(told) for suffix in _SUFFIXES.get(kind, ()))
