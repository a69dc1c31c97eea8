"""A real Prometheus beside the release: it scrapes every pod, and has every series that rules and dashboards name."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from urllib.parse import quote

import pytest

from tests.charts.series import SERVICES, dashboards, queries_of, rules
from tests.support.release import Release, eventually

pytestmark = pytest.mark.timeout(900)

VARIABLES = {"$__rate_interval": "5m", "$__interval": "1m", "$__range": "1h"}
"""What Grafana puts in place of them."""

NOT_HERE = {
    "closecast_ingestor_source_requests_total",  # the sample is read from the image, not over HTTP
    "ray_serve_health_check_failures_total",  # Ray has it from the first failure on
}


def expressions() -> Iterator[str]:
    for service in SERVICES:
        yield from (rule["expr"] for rule in rules(service))
    for dashboard in dashboards().values():
        yield from queries_of(dashboard)


def names_in(release: Release, expression: str) -> set[str]:
    """Return the series that an expression goes by, as Prometheus itself reads it."""
    for variable, value in VARIABLES.items():
        expression = expression.replace(variable, value)
    found: set[str] = set()

    def walk(node: Any) -> None:
        if isinstance(node, dict):
            if node.get("type") in {"vectorSelector", "matrixSelector"} and node.get("name"):
                found.add(node["name"])
            for part in node.values():
                walk(part)
        elif isinstance(node, list):
            for part in node:
                walk(part)

    walk(release.prometheus(f"parse_query?query={quote(expression, safe='')}"))
    return found


def scraped_pods(release: Release, health: str) -> set[str]:
    targets = release.prometheus("targets?state=active")["activeTargets"]
    return {one["labels"]["pod"] for one in targets if one["health"] == health}


def running_pods(release: Release) -> set[str]:
    services = release.pods("app.kubernetes.io/name in (ingestor,trainer)")
    return {*services, *release.ray_pods("head"), *release.ray_pods("worker")}


def test_every_pod_is_scraped_and_every_target_is_up(release: Release) -> None:
    def all_up() -> bool:
        return scraped_pods(release, "up") >= running_pods(release) and not scraped_pods(release, "down")

    eventually(all_up, "every target up")


def test_every_series_of_the_rules_and_dashboards_is_there(release: Release) -> None:
    named = {name for expression in expressions() for name in names_in(release, expression)}
    assert len(named) > 40
    missing = named - NOT_HERE

    def all_there() -> bool:
        missing.difference_update(release.prometheus("label/__name__/values"))
        return not missing

    with suppress(AssertionError):
        eventually(all_there, "every series", 120)
    assert missing == set()


def test_prometheus_takes_the_rules(release: Release) -> None:
    def healthy() -> bool:
        groups = release.prometheus("rules")["groups"]
        return bool(groups) and all(rule["health"] == "ok" for group in groups for rule in group["rules"])

    eventually(healthy, "every rule evaluated")
    loaded = {rule["name"] for group in release.prometheus("rules")["groups"] for rule in group["rules"]}
    written = {rule.get("alert") or rule["record"] for service in SERVICES for rule in rules(service)}
    assert loaded == written
