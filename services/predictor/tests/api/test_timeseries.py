"""KServe's time-series protocol, against the schemas of KServe 0.21's own pydantic types (folder kserve)."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from services.predictor.tests.api.conftest import LocalDesk
from starlette.testclient import TestClient

from closecast_predictor.api.app import build_app, openapi_document
from closecast_predictor.api.edge import Edge
from closecast_predictor.api.routes.context import Context
from closecast_predictor.api.serving import Serving

CLOSES = [30.0 + at % 7 for at in range(60)]
FORECAST = "/v1/timeseries/forecast"


def conforms(document: object, kind: str) -> bool:
    schema = json.loads((Path(__file__).parent / "kserve" / f"{kind}.json").read_text())
    jsonschema.validate(document, schema)
    return True


def series(name: str = "PETR4", **changes: Any) -> dict[str, Any]:
    return {
        "type": "univariate_time_series",
        "name": name,
        "series": CLOSES,
        "frequency": "D",
        "start_timestamp": "2025-01-01T00:00:00Z",
    } | changes


def request(*inputs: dict[str, Any], **options: Any) -> dict[str, Any]:
    return {"model": "closecast-panel", "inputs": list(inputs) or [series()], "options": {"horizon": 3} | options}


def forecast(client: TestClient, *inputs: dict[str, Any], **options: Any) -> list[dict[str, Any]]:
    """Return the forecast of each series."""
    body = request(*inputs, **options)
    assert conforms(body, "ForecastRequest")
    answer = client.post(FORECAST, json=body)
    assert answer.status_code == 200, answer.text
    assert conforms(answer.json(), "ForecastResponse")
    return [content for output in answer.json()["outputs"] for content in output["content"]]


def fault(answer: Any, status: int) -> dict[str, str]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    assert conforms(answer.json(), "ErrorResponse")
    error: dict[str, str] = answer.json()["error"]
    assert error["code"] == str(status)
    return error


def test_a_series_is_forecast_as_a_history_is(client: TestClient) -> None:
    history = client.post("/predict", json={"history": CLOSES, "horizon": 3}).json()["forecast"]

    (made,) = forecast(client)

    assert made["name"] == "PETR4"
    assert made["mean_forecast"] == [one["median"] for one in history]
    assert made["quantiles"] == {
        level: [one["quantiles"][level] for one in history] for level in history[0]["quantiles"]
    }


def test_every_series_has_its_forecast_in_order(client: TestClient) -> None:
    twice = [2 * close for close in CLOSES]
    first, second = forecast(client, series("first"), series("second", series=twice))
    assert (first["name"], second["name"]) == ("first", "second")
    assert second["mean_forecast"] == pytest.approx([2 * price for price in first["mean_forecast"]])


def test_levels_between_those_of_the_model_are_interpolated(client: TestClient) -> None:
    (made,) = forecast(client, quantiles=[0.1, 0.25, 0.175])
    low, high, between = made["quantiles"].values()
    assert list(made["quantiles"]) == ["0.1", "0.25", "0.175"]
    assert between == pytest.approx([(one + other) / 2 for one, other in zip(low, high, strict=True)])


@pytest.mark.parametrize(
    ("frequency", "start", "first"),
    [
        ("D", "2025-01-01T00:00:00Z", "2025-03-02T00:00:00Z"),
        ("day", "2025-01-01T00:00:00Z", "2025-03-02T00:00:00Z"),
        ("D", "2025-01-01", "2025-03-02T00:00:00Z"),
        ("D", "2025-01-01T22:00:00-03:00", "2025-03-03T01:00:00Z"),
        ("B", "2025-01-01T00:00:00Z", "2025-03-26T00:00:00Z"),
        ("B", "2025-01-04T18:30:00Z", "2025-03-31T18:30:00Z"),
    ],
)
def test_the_forecast_begins_where_the_series_ends(client: TestClient, frequency: str, start: str, first: str) -> None:
    answer = client.post(FORECAST, json=request(series(frequency=frequency, start_timestamp=start)))
    (output,) = answer.json()["outputs"]
    assert output["content"][0]["start_timestamp"] == first
    assert output["content"][0]["frequency"] == frequency


def test_a_series_without_a_start_ends_today(client: TestClient) -> None:
    before = datetime.now(UTC).date()
    (made,) = forecast(client, series(start_timestamp=None))
    first = datetime.fromisoformat(made["start_timestamp"]).date()
    assert before + timedelta(days=1) <= first <= datetime.now(UTC).date() + timedelta(days=1)


def test_what_is_unknown_beside_the_protocol_is_ignored(client: TestClient) -> None:
    body = request(series(unit="BRL")) | {"metadata": {"user": "me"}, "stream": False}
    assert client.post(FORECAST, json=body).status_code == 200


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (request(series(series=CLOSES[:5])), "inputs.0.series"),
        (request(series(), series(series=CLOSES * 10)), "inputs.1.series"),
        (request(series(series=[*CLOSES, 0.0])), "inputs.0.series.60"),
        (request(series(series=[*CLOSES, None])), "inputs.0.series.60"),
        (request(series(series=[[1.0, 2.0]])), "inputs.0.series.0"),
        (request(series(type="multivariate_time_series")), "inputs.0.type"),
        (request(series(frequency="W")), "inputs.0.frequency"),
        (request(series(start_timestamp="yesterday")), "inputs.0.start_timestamp"),
        (request(series(start_timestamp="9999-12-31T00:00:00Z")), "inputs.0.start_timestamp"),
        (request(horizon=11), "options.horizon"),
        (request(horizon=0), "options.horizon"),
        (request(quantiles=[0.5, 0.99]), "options.quantiles.1"),
        (request(quantiles=[0.01]), "options.quantiles.0"),
        (request() | {"inputs": []}, "inputs"),
        (request() | {"inputs": [series()] * 65}, "inputs"),
        (request() | {"options": {}}, "options.horizon"),
        ({}, "model"),
    ],
)
def test_a_bad_field_is_named_as_kserve_does(client: TestClient, body: dict[str, Any], field: str) -> None:
    error = fault(client.post(FORECAST, json=body), 422)
    assert error["param"] == field
    assert error["message"]


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'{"inputs": NaN}'])
def test_what_is_no_request_is_refused(client: TestClient, body: bytes) -> None:
    fault(client.post(FORECAST, content=body), 422)


def test_bytes_that_are_no_text_are_refused(client: TestClient) -> None:
    answer = client.post(FORECAST, content=b"\xff\xfe")
    assert 400 <= answer.status_code < 500
    fault(answer, answer.status_code)


def test_another_model_is_not_found(client: TestClient) -> None:
    error = fault(client.post(FORECAST, json=request() | {"model": "timesfm"}), 404)
    assert error["param"] == "model"
    assert "closecast-panel" in error["message"]


def test_the_models_are_those_that_can_be_asked(client: TestClient) -> None:
    models = client.get("/v1/timeseries/models").json()
    assert models == ["closecast-panel"]
    assert client.post(FORECAST, json=request() | {"model": models[0]}).status_code == 200


def test_the_health_checks_answer_as_those_of_kserve(client: TestClient) -> None:
    for path, kind in (("/v2/health/live", "ServerLiveResponse"), ("/v2/health/ready", "ServerReadyResponse")):
        answer = client.get(path)
        assert answer.status_code == 200
        assert conforms(answer.json(), kind)


def test_without_a_snapshot_it_lives_but_is_not_ready(desk: LocalDesk) -> None:
    empty = Serving(max_body=2**20, max_history=500)
    client = TestClient(Edge(build_app(Context(empty, desk)), empty))
    assert client.get("/v2/health/live").status_code == 200
    for answer in (client.get("/v2/health/ready"), client.post(FORECAST, json=request())):
        assert "reading the quotes" in fault(answer, 503)["message"]
        assert answer.headers["retry-after"] == "2"


def test_the_documented_example_works(client: TestClient) -> None:
    example = openapi_document()["components"]["schemas"]["ForecastRequest"]["example"]
    assert conforms(example, "ForecastRequest")
    assert client.post(FORECAST, json=example).status_code == 200
