"""What somebody sees who has just installed the umbrella chart."""

import json

import httpx
import pytest

from tests.e2e.credentials import Credentials
from tests.support.release import HOST, INGRESS, TLS_INGRESS, Release, eventually

pytestmark = pytest.mark.timeout(900)

MOST_S = 300.0
SYMBOLS = {"AAPL", "FB", "GOOG", "IBM", "MSFT"}


def test_forecasts_come_through_the_ingress(release: Release) -> None:
    eventually(lambda: release.answers("/forecast/AAPL"), f"forecasts at {INGRESS}", MOST_S)

    eventually(lambda: {one["symbol"] for one in release.get("/symbols").json()["symbols"]} == SYMBOLS, "all symbols")
    forecast = release.forecast("AAPL")
    assert len(forecast["forecast"]) == 10
    assert forecast["predicted_close"] == forecast["forecast"][0]["median"]
    assert release.get("/").headers["content-type"].startswith("text/html")


def test_without_a_key_nothing_is_told(release: Release) -> None:  # noqa: ARG001 - only that it is installed
    with httpx.Client(base_url=INGRESS, headers={"Host": HOST}, trust_env=False) as stranger:
        answer = stranger.get("/forecast/AAPL")

    assert answer.status_code == httpx.codes.UNAUTHORIZED
    assert "AAPL" not in answer.text


def test_the_ingress_shows_the_certificate_that_it_was_given(release: Release, credentials: Credentials) -> None:  # noqa: ARG001
    with httpx.Client(
        base_url=TLS_INGRESS, verify=credentials.trust(), headers={"Host": HOST}, trust_env=False
    ) as client:
        answer = client.get("/livez", extensions={"sni_hostname": HOST})

    assert answer.status_code == httpx.codes.OK


def test_its_own_test_passes(release: Release) -> None:
    assert "Phase:          Succeeded" in release.helm("test", "closecast", "--timeout=10m")


def test_replicas_log_where_kubectl_looks(release: Release) -> None:
    told = release.kubectl("logs", "--selector=ray.io/node-type=worker", "--container=ray-worker", "--tail=-1")

    lines = [json.loads(line) for line in told.splitlines() if line.startswith("{")]
    assert {line["service"] for line in lines} == {"predictor"}


def test_rays_own_ports_are_not_reached_through_the_ingress(release: Release) -> None:
    for path in ("/api/version", "/api/jobs/", "/api/cluster_status", "/nodes?view=summary"):
        assert release.get(path).status_code == 404, path


def test_quotes_wake_the_trainer_and_a_version_is_judged(release: Release) -> None:
    eventually(lambda: release.pods("app.kubernetes.io/name=trainer"), "a trainer that runs")
    eventually(lambda: release.get("/models").json()["models"], "a version", 600)

    (version,) = release.get("/models").json()["models"]
    assert version["outcome"] in {"promoted", "rejected"}
