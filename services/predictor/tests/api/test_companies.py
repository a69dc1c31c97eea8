"""Forecasts of companies by name."""

import pytest
from services.predictor.tests.api.conftest import LocalDesk
from starlette.testclient import TestClient

from closecast_predictor.api.app import build_app
from closecast_predictor.api.edge import Edge
from closecast_predictor.api.routes.context import Context
from closecast_predictor.api.serving import Serving
from closecast_predictor.companies import Companies


@pytest.mark.parametrize("company", ["Petrobras", "PETROBRÁS", "petr4", "PETR4.SA"])
def test_a_company_is_forecast_by_name_and_ticker(client: TestClient, company: str) -> None:
    by_get = client.get("/predict_b3", params={"company": company, "horizon": 3})
    by_post = client.post("/predict_b3", json={"company": company, "horizon": 3})

    for answer in (by_get, by_post):
        assert answer.status_code == 200
        assert answer.json()["symbol"] == "PETR4.SA"
        assert len(answer.json()["forecast"]) == 3


def test_an_unknown_company_is_told_which_ones_are_known(client: TestClient) -> None:
    for answer in (client.get("/predict_b3?company=Apple"), client.post("/predict_b3", json={"company": "AAPL"})):
        assert answer.status_code == 404
        assert [error["field"] for error in answer.json()["errors"]] == ["company"]
        for name in ("Petrobras (PETR4.SA)", "Vale (VALE3.SA)", "Itaú Unibanco (ITUB4.SA)"):
            assert name in answer.json()["detail"]


def test_a_company_without_quotes_can_be_fetched(client: TestClient, desk: LocalDesk) -> None:
    assert client.get("/predict_b3?company=weg").status_code == 404
    assert client.get("/predict_b3?company=weg&fetch=true").status_code == 202
    assert client.post("/predict_b3", json={"company": "weg", "fetch": True}).status_code == 202
    assert [request.symbol for request in desk.requests] == ["WEGE3.SA"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "company"),
        ({"company": ""}, "company"),
        ({"company": "A" * 61}, "company"),
        ({"company": 7}, "company"),
        ({"company": "vale", "horizon": 11}, "horizon"),
        ({"company": "vale", "days": 3}, "days"),
    ],
)
def test_a_bad_field_is_named(client: TestClient, body: dict[str, object], field: str) -> None:
    answer = client.post("/predict_b3", json=body)
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]


def test_the_settings_say_who_is_known(serving: Serving, desk: LocalDesk) -> None:
    context = Context(serving, desk, companies=Companies({"Maçã": "AAPL"}))
    client = TestClient(Edge(build_app(context), serving))
    assert client.get("/predict_b3", params={"company": "maca"}).json()["symbol"] == "AAPL"
    assert client.get("/predict_b3", params={"company": "Petrobras"}).status_code == 404
