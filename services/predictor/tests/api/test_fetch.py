"""Symbols without quotes: fetched when asked to, and told of until there is a forecast."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from services.predictor.tests.api.conftest import LocalDesk
from services.predictor.tests.support import serving_of
from starlette.testclient import TestClient

from closecast.events import BackfillEvent
from closecast_predictor.api.app import build_app
from closecast_predictor.api.edge import Edge
from closecast_predictor.api.routes.context import Context
from closecast_predictor.api.schemas.backfills import FetchAnswer
from closecast_predictor.api.serving import Serving


def end(desk: LocalDesk, outcome: str, reason: str = "the source has nothing of it", **changes: Any) -> None:
    (request,) = desk.requests
    own = {"request_id": request.id, "symbol": request.symbol, "source": "csv", "ingestor": "test"}
    desk.backfills.ended(BackfillEvent.model_validate(own | {"outcome": outcome, "reason": reason} | changes))


def predict(client: TestClient, **body: Any) -> Any:
    return client.post("/predict", json=body)


def test_an_unknown_symbol_is_fetched_when_asked_to(client: TestClient, desk: LocalDesk) -> None:
    answer = predict(client, symbol="wege3", fetch=True)

    assert answer.status_code == 202
    told = FetchAnswer.model_validate(answer.json())
    assert (told.symbol, told.state, told.id) == ("WEGE3.SA", "fetching", desk.requests[0].id)
    assert answer.headers["location"] == told.location == "/forecast/WEGE3.SA"
    assert int(answer.headers["retry-after"]) > 0


def test_asking_again_makes_no_second_request(client: TestClient, desk: LocalDesk) -> None:
    first = predict(client, symbol="wege3", fetch=True)
    again = [
        predict(client, symbol="WEGE3.SA", fetch=True, horizon=3),
        client.get("/forecast/wege3", params={"fetch": "true", "horizon": 2}),
        client.get(first.headers["location"]),
    ]

    assert [answer.status_code for answer in again] == [202] * 3
    assert {answer.json()["id"] for answer in again} == {first.json()["id"]}
    assert len(desk.requests) == 1


def test_nothing_is_fetched_that_nobody_asked_to_fetch(client: TestClient, desk: LocalDesk) -> None:
    for answer in (predict(client, symbol="wege3"), client.get("/forecast/wege3")):
        assert answer.status_code == 404
        assert "fetch=true" in answer.json()["detail"]
    assert desk.requests == []


def test_a_known_symbol_is_answered_and_not_fetched(client: TestClient, desk: LocalDesk) -> None:
    assert predict(client, symbol="petr4", fetch=True).status_code == 200
    assert client.get("/forecast/PETR4", params={"fetch": "true"}).status_code == 200
    assert desk.requests == []


def test_by_setting_every_unknown_symbol_is_fetched(serving: Serving, desk: LocalDesk) -> None:
    client = TestClient(Edge(build_app(Context(serving, desk, fetch=True)), serving))
    assert client.get("/forecast/wege3").status_code == 202
    assert predict(client, symbol="ITUB4").status_code == 202
    assert [request.symbol for request in desk.requests] == ["WEGE3.SA", "ITUB4.SA"]


def test_what_the_source_does_not_know_is_not_found_and_the_reason_told(client: TestClient, desk: LocalDesk) -> None:
    location = predict(client, symbol="nope", fetch=True).headers["location"]
    end(desk, "unknown", "the folder holds no file NOPE.csv")

    for answer in (client.get(location), predict(client, symbol="nope", fetch=True)):
        assert answer.status_code == 404
        assert answer.headers["content-type"] == "application/problem+json"
        assert "the folder holds no file NOPE.csv" in answer.json()["detail"]
    assert len(desk.requests) == 1


def test_what_failed_is_told_with_when_to_come_again(client: TestClient, desk: LocalDesk) -> None:
    location = predict(client, symbol="wege3", fetch=True).headers["location"]
    end(desk, "failed", "Yahoo answers 429")

    answer = client.get(location)

    assert answer.status_code == 503
    assert "Yahoo answers 429" in answer.json()["detail"]
    assert 1 <= int(answer.headers["retry-after"]) <= 60


def test_after_a_failure_it_is_asked_for_anew(client: TestClient, desk: LocalDesk) -> None:
    predict(client, symbol="wege3", fetch=True)
    end(desk, "failed", occurred_at=datetime.now(UTC) - timedelta(hours=1))

    assert predict(client, symbol="wege3", fetch=True).status_code == 202
    assert len(desk.requests) == 2


def test_the_forecast_appears_where_the_answer_said(serving: Serving, desk: LocalDesk, client: TestClient) -> None:
    location = predict(client, symbol="wege3", fetch=True).headers["location"]
    end(desk, "served")
    assert client.get(location).status_code == 202

    fetched = serving_of("WEGE3.SA")
    assert fetched.snapshot is not None
    assert fetched.models is not None
    serving.swap(fetched.snapshot, fetched.models)

    assert client.get(location).json()["symbol"] == "WEGE3.SA"


@pytest.mark.parametrize("symbol", ["../../etc", "A" * 17, "", "A B"])
def test_what_is_no_symbol_never_gets_so_far(client: TestClient, desk: LocalDesk, symbol: str) -> None:
    assert predict(client, symbol=symbol, fetch=True).status_code == 422
    assert desk.requests == []


@pytest.mark.parametrize("fetch", ["yes", 1, None])
def test_fetch_is_true_or_false(client: TestClient, fetch: object) -> None:
    answer = predict(client, symbol="wege3", fetch=fetch)
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == ["fetch"]


def test_an_odd_symbol_has_a_location_that_leads_to_it(client: TestClient) -> None:
    answer = predict(client, symbol="^BVSP", fetch=True)
    assert answer.headers["location"] == "/forecast/%5EBVSP"
    assert client.get(answer.headers["location"]).json()["symbol"] == "^BVSP"


def test_without_the_forecaster_nothing_can_be_fetched(client: TestClient, desk: LocalDesk) -> None:
    desk.reachable = False
    assert predict(client, symbol="wege3", fetch=True).status_code == 503
    assert predict(client, symbol="wege3").status_code == 404
