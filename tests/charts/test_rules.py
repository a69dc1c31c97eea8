"""Alerts: each is raised when it should be, and goes by series that there are."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.charts.charts import ROOT, TOOLS, Charts
from tests.charts.series import SERVICES, own_series_in, rules, rules_of, series_of

pytestmark = pytest.mark.charts
TESTS = Path(__file__).parent / "rules"
RUNBOOKS = ROOT / "docs/operations/alerts.md"


def suites_of(service: str) -> list[Path]:
    return sorted(TESTS.glob(f"{service}*.yaml"))


@pytest.mark.usefixtures("charts")  # it looks for the tools
@pytest.mark.parametrize("service", SERVICES)
def test_alerts_are_raised_when_they_should_be(service: str) -> None:
    check = ["check", "rules", "--lint=all", "--lint-fatal", str(rules_of(service))]
    for command in (check, ["test", "rules", *map(str, suites_of(service))]):
        done = subprocess.run([TOOLS / "promtool", *command], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("service", SERVICES)
def test_every_alert_is_seen_to_be_raised(service: str) -> None:
    tests = [test for file in suites_of(service) for test in yaml.safe_load(file.read_text())["tests"]]

    raised = {one["alertname"] for test in tests for one in test["alert_rule_test"] if one.get("exp_alerts")}

    assert raised == {rule["alert"] for rule in rules(service) if "alert" in rule}


@pytest.mark.parametrize("service", SERVICES)
def test_rules_go_by_series_that_the_service_has(service: str) -> None:
    named = {name for rule in rules(service) for name in own_series_in(rule["expr"])}

    assert named
    assert named <= series_of(service)


@pytest.mark.parametrize("service", SERVICES)
def test_prometheus_operator_gets_them_where_they_are_wanted(charts: Charts, service: str) -> None:
    wanted = charts.render(service, monitoring__rules={"enabled": True, "additionalLabels": {"release": "prometheus"}})

    rule = wanted.one("PrometheusRule")
    assert rule["metadata"]["labels"]["release"] == "prometheus"
    assert rule["spec"] == yaml.safe_load(rules_of(service).read_text())
    assert not charts.render(service).of("PrometheusRule")


def test_every_alert_has_a_section_that_tells_what_to_do_and_every_section_an_alert() -> None:
    sections = re.findall(r"^### (.+)$", RUNBOOKS.read_text(), re.MULTILINE)

    assert sorted(sections) == sorted(
        rule["alert"] for service in SERVICES for rule in rules(service) if "alert" in rule
    )


@pytest.mark.parametrize("service", SERVICES)
def test_alerts_lead_to_their_sections(charts: Charts, service: str) -> None:
    address = "https://git.example.com/closecast/docs/operations/alerts.md"
    rendering = charts.render(service, monitoring__rules={"enabled": True, "runbookUrl": address})

    rendered = [rule for group in rendering.one("PrometheusRule")["spec"]["groups"] for rule in group["rules"]]
    told = {rule["alert"]: rule["annotations"]["runbook_url"] for rule in rendered if "alert" in rule}
    # A heading's anchor, by GitHub and GitLab: its words in small letters.
    assert told == {rule["alert"]: f"{address}#{rule['alert'].lower()}" for rule in rules(service) if "alert" in rule}
    assert not any("annotations" in rule for rule in rendered if "record" in rule)
