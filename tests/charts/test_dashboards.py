"""Grafana's dashboards: made from charts/dashboards, by series that there are."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.charts.charts import ROOT, Charts
from tests.charts.series import SERVICES, dashboards, own_series_in, queries_of, rules, series_of

pytestmark = pytest.mark.charts
RECORDED = re.compile(r"\bnamespace\w*:[\w:]+")


def test_they_are_up_to_date(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "charts.dashboards", tmp_path], check=True, cwd=ROOT)

    made = {file.name: json.loads(file.read_text()) for file in tmp_path.iterdir()}
    assert made == dashboards(), "stale: make charts-docs"


def test_they_go_by_series_that_the_services_have() -> None:
    named = {name for one in dashboards().values() for query in queries_of(one) for name in own_series_in(query)}

    assert len(named) > 20
    assert named <= frozenset().union(*map(series_of, SERVICES))


def test_they_go_by_rules_that_there_are() -> None:
    recorded = {rule.get("record") for service in SERVICES for rule in rules(service)}

    named = {name for one in dashboards().values() for query in queries_of(one) for name in RECORDED.findall(query)}

    assert named
    assert named <= recorded


@pytest.mark.parametrize("name", dashboards())
def test_everything_shown_is_of_the_chosen_namespace(name: str) -> None:
    for query in queries_of(dashboards()[name]):
        for selector in re.findall(r"\w\{([^}]*)\}", query):
            assert 'namespace="$namespace"' in selector


def test_grafana_finds_them_where_they_are_wanted(charts: Charts) -> None:
    wanted = charts.render("closecast", monitoring__dashboards__enabled=True)

    maps = [one for one in wanted.of("ConfigMap") if one["metadata"]["labels"].get("grafana_dashboard") == "1"]
    assert {name: json.loads(text) for one in maps for name, text in one["data"].items()} == dashboards()
    assert len({one["metadata"]["name"] for one in maps}) == len(maps) == 5
    assert not any("dashboard" in one["metadata"]["name"] for one in charts.render("closecast").of("ConfigMap"))
