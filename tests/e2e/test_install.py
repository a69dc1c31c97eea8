"""What somebody sees who has just installed the umbrella chart."""

import pytest

from tests.support.release import INGRESS, Release, eventually

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


def test_its_own_test_passes(release: Release) -> None:
    assert "Phase:          Succeeded" in release.helm("test", "closecast", "--timeout=10m")


def test_rays_own_ports_are_not_reached_through_the_ingress(release: Release) -> None:
    for path in ("/api/version", "/api/jobs/", "/api/cluster_status", "/nodes?view=summary"):
        assert release.get(path).status_code == 404, path


def test_quotes_wake_the_trainer_and_a_version_is_judged(release: Release) -> None:
    eventually(lambda: release.pods("app.kubernetes.io/name=trainer"), "a trainer that runs")
    eventually(lambda: release.get("/models").json()["models"], "a version", 600)

    (version,) = release.get("/models").json()["models"]
    assert version["outcome"] in {"promoted", "rejected"}
