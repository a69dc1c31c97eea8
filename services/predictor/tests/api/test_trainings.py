from typing import Any
from uuid import uuid4

import pytest
from services.predictor.tests.api.conftest import LocalDesk
from services.predictor.tests.api.test_app import fields
from starlette.testclient import TestClient

from closecast.events import ModelEvent, TrainingRequest
from closecast_predictor.api.app import build_app
from closecast_predictor.api.routes.context import Context
from closecast_predictor.api.serving import Serving


@pytest.fixture
def asked(desk: LocalDesk) -> list[TrainingRequest]:
    """Return a list that fills with what is asked for."""
    noted: list[TrainingRequest] = []
    desk.trainings.asked = noted.append  # type: ignore[assignment, method-assign]
    return noted


def test_a_training_request_can_be_followed(client: TestClient, desk: LocalDesk) -> None:
    accepted = client.post("/train", json={"symbols": ["petr4"], "hyperparameters": {"epochs": 5}})

    assert accepted.status_code == 202
    where = accepted.headers["location"]
    assert where == f"/train/{accepted.json()['id']}"
    assert client.get(where).json()["state"] == "queued"
    desk.trainings.ended(
        ModelEvent(
            request_id=accepted.json()["id"],
            model="closecast-petr4.sa",
            outcome="rejected",
            version="2",
            reason="worse than naive",
            metrics={"candidate": {"mqloss": 0.02}},
        )
    )
    ended = client.get(where).json()
    assert (ended["state"], ended["version"], ended["reason"]) == ("rejected", "2", "worse than naive")
    assert ended["metrics"] == {"candidate": {"mqloss": 0.02}}


@pytest.mark.parametrize(
    "body",
    [
        {"symbol": "petr4", "start_date": "2015-01-01", "end_date": "2020-01-01", "epochs": 5},
        {"stock": "PETR4.SA", "inicio": "2015-01-01", "fim": "2020-01-01", "hyperparameters": {"epochs": 5}},
        {"symbols": ["PETR4", "petr4.sa"], "start": "2015-01-01", "end": "2020-01-01", "epochs": 5},
        {"model_name": "closecast-petr4.sa", "stock": "PETR4", "start": "2015-01-01", "fim": "2020-01-01", "epochs": 5},
    ],
)
def test_one_symbol_is_trained_for_a_model_of_its_own_whatever_the_fields_are_called(
    client: TestClient, asked: list[TrainingRequest], body: dict[str, Any]
) -> None:
    answer = client.post("/train", json=body | {"batch_size": 16, "prediction_steps": 3})

    assert answer.status_code == 202
    assert answer.json()["model"] == "closecast-petr4.sa"
    (request,) = asked
    assert (request.model, request.symbols, request.reason) == ("closecast-petr4.sa", ("PETR4.SA",), "request")
    assert (str(request.start), str(request.end)) == ("2015-01-01", "2020-01-01")
    assert request.hyperparameters.model_dump(exclude_none=True) == {
        "epochs": 5,
        "batch_size": 16,
        "prediction_steps": 3,
    }


@pytest.mark.parametrize("body", [{}, {"symbols": ["petr4", "VALE3.SA"]}, {"model_name": "closecast-panel"}])
def test_many_symbols_are_trained_for_the_panel(
    client: TestClient, asked: list[TrainingRequest], body: dict[str, Any]
) -> None:
    assert client.post("/train", json=body).status_code == 202

    assert [request.model for request in asked] == ["closecast-panel"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"symbols": ["../../etc"]}, "symbols.0"),
        ({"symbols": "PETR4.SA"}, "symbols"),
        ({"symbol": "PETR4", "stock": "PETR4"}, "stock"),
        ({"symbol": "PETR4", "symbols": ["VALE3"]}, "symbols"),
        ({"start": "2020-01-01", "end": "2019-01-01"}, "end"),
        ({"inicio": "2020-01-01", "fim": "2019-01-01"}, "fim"),
        ({"start": "soon"}, "start"),
        ({"start_date": "2020-01-01", "inicio": "2020-01-01"}, "inicio"),
        ({"end_date": "2020-01-01", "end": "2020-01-01"}, "end"),
        ({"epochs": 0}, "epochs"),
        ({"batch_size": "many"}, "batch_size"),
        ({"prediction_steps": 0}, "prediction_steps"),
        ({"prediction_steps": 11}, "prediction_steps"),
        ({"hyperparameters": {"epochs": 0}}, "hyperparameters.epochs"),
        ({"hyperparameters": {"epoch": 3}}, "hyperparameters.epoch"),
        ({"epochs": 3, "hyperparameters": {"epochs": 3}}, "hyperparameters"),
        ({"epoch": 3}, "epoch"),
        ({"symbols": ["PETR4", "ITUB4"]}, "symbols.1"),
        ({"stock": "ITUB4"}, "stock"),
        ({"model_name": "../../etc"}, "model_name"),
        ({"model_name": "closecast-panel", "symbol": "PETR4"}, "model_name"),
        ({"model_name": "closecast-vale3.sa", "symbol": "PETR4"}, "model_name"),
        ({"model_name": "closecast-petr4.sa"}, "model_name"),
        ({"model_name": "another"}, "model_name"),
    ],
)
def test_bad_training_requests_are_refused_with_the_field_named(
    client: TestClient, asked: list[TrainingRequest], body: Any, field: str
) -> None:
    answer = client.post("/train", json=body)

    assert answer.status_code == 422
    assert fields(answer) == [field]
    assert asked == []


def test_before_there_are_forecasts_it_is_the_trainer_who_knows_the_symbols(
    desk: LocalDesk, asked: list[TrainingRequest]
) -> None:
    client = TestClient(build_app(Context(Serving(), desk)))

    assert client.post("/train", json={"symbol": "ITUB4"}).status_code == 202
    assert [request.symbols for request in asked] == [("ITUB4.SA",)]


def test_the_latest_requests_are_listed(client: TestClient) -> None:
    ids = [client.post("/train", json={"epochs": epochs}).json()["id"] for epochs in (1, 2, 3)]

    assert [one["id"] for one in client.get("/train").json()["trainings"]] == ids[::-1]
    assert [one["id"] for one in client.get("/train?limit=1").json()["trainings"]] == ids[:1:-1]
    assert fields(client.get("/train?limit=0")) == ["limit"]
    assert fields(client.get("/train?limit=1000")) == ["limit"]


def test_an_unknown_training_is_not_found(client: TestClient) -> None:
    unknown = uuid4()

    answer = client.get(f"/train/{unknown}")

    assert answer.status_code == 404
    assert str(unknown) in answer.json()["detail"]


def test_without_the_forecaster_there_is_no_list(client: TestClient, desk: LocalDesk) -> None:
    desk.reachable = False

    answer = client.get("/train")

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
