from datetime import timedelta

import pytest
from services.predictor.tests.api.conftest import LocalDesk
from services.predictor.tests.support import forecast_from, latest_sessions, quote
from starlette.testclient import TestClient

from closecast_predictor.api.schemas.stats import StatsAnswer, SymbolStatsAnswer
from closecast_predictor.book import Book

DAYS = latest_sessions("PETR4.SA", 62)
QUOTES = [quote("PETR4.SA", day, 30.0 + at % 5) for at, day in enumerate(DAYS)]


@pytest.fixture
def desk() -> LocalDesk:
    """Return a desk that knows two live forecasts of PETR4.SA, one of them with its next close."""
    book = Book(400)
    for event in (forecast_from(QUOTES[:60]), forecast_from(QUOTES[:61]), *QUOTES[:61]):
        book.recall(event)
    return LocalDesk(book=book)


def test_the_live_error_of_every_symbol_is_told(client: TestClient) -> None:
    answer = client.get("/stats")

    assert answer.status_code == 200
    stats = StatsAnswer.model_validate(answer.json())
    (petrobras,) = stats.symbols
    assert petrobras.symbol == "PETR4.SA"
    assert [one.scored for one in petrobras.horizons] == [1] + [0] * 9
    assert petrobras.horizons[0].mape is not None
    assert petrobras.horizons[1].mape is None
    assert (stats.model.model, stats.model.version, stats.model.age_seconds) == ("closecast-panel", "base", None)
    assert stats.kafka.lag == {"closecast.quotes": 0}
    assert stats.hardware.processes >= 1


def test_requests_are_counted(client: TestClient) -> None:
    before = client.get("/stats").json()["requests"]
    client.get("/forecast/PETR4.SA")

    after = client.get("/stats").json()["requests"]

    assert after["total"] == before["total"] + 2
    assert after["predictions"]["snapshot"] == before["predictions"].get("snapshot", 0) + 1
    assert after["latency_ms"]["p50"] <= after["latency_ms"]["p99"]


def test_past_forecasts_of_a_symbol_stand_beside_what_came(client: TestClient) -> None:
    answer = client.get("/stats/petr4")

    assert answer.status_code == 200
    stats = SymbolStatsAnswer.model_validate(answer.json())
    assert [one.model_dump() for one in stats.symbols] == client.get("/stats").json()["symbols"]
    assert len(stats.past) == 20
    closed, *open_ones = (one for one in stats.past if one.horizon == 1)
    assert (closed.origin, closed.session, closed.actual) == (DAYS[59], DAYS[60], QUOTES[60].close)
    assert [(one.session, one.actual) for one in open_ones] == [(DAYS[61], None)]
    quotes = client.get("/quotes/petr4", params={"sessions": 1}).json()["quotes"]
    assert quotes[0]["close"] == closed.actual


def test_late_forecasts_are_told_of_when_asked_for(client: TestClient, desk: LocalDesk) -> None:
    desk.book.recall(forecast_from(QUOTES[:41], timedelta(days=25)))

    live = client.get("/stats/petr4").json()["past"]
    everything = client.get("/stats/petr4", params={"late": True}).json()["past"]

    assert str(DAYS[40]) not in {one["origin"] for one in live}
    assert {one["live"] for one in live} == {True}
    assert {one["live"] for one in everything if one["origin"] == str(DAYS[40])} == {False}


@pytest.mark.parametrize(
    ("path", "status"), [("/stats/itub4", 404), ("/stats/..%2Fetc", 422), ("/stats/A?late=x", 422)]
)
def test_bad_questions_are_refused(client: TestClient, path: str, status: int) -> None:
    assert client.get(path).status_code == status


def test_statistics_wait_for_the_forecaster(client: TestClient, desk: LocalDesk) -> None:
    desk.reachable = False

    for path in ("/stats", "/stats/PETR4.SA"):
        answer = client.get(path)
        assert answer.status_code == 503
        assert answer.headers["retry-after"] == "2"
