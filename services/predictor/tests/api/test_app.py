import json
import re
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from services.predictor.tests.api.conftest import LocalDesk
from services.predictor.tests.support import serving_of
from starlette.testclient import TestClient

from closecast_predictor.api.app import build_app, openapi_document
from closecast_predictor.api.edge import Edge
from closecast_predictor.api.routes.context import Context
from closecast_predictor.api.schemas.forecasts import PredictAnswer
from closecast_predictor.api.serving import Serving
from tests.support.fuzzing import cases

CLOSES = [30.0 + at % 7 for at in range(60)]


def fields(answer: Any) -> list[str]:
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == answer.status_code
    assert problem["title"]
    assert problem["detail"]
    return [error["field"] for error in problem["errors"]]


def timeless(answer: Any) -> dict[str, Any]:
    """Return an answer without what differs from one second to the next."""
    return {name: value for name, value in answer.items() if name != "data_age_seconds"}


@pytest.mark.parametrize("symbol", ["PETR4.SA", "PETR4", "petr4", " petr4.sa "])
def test_a_symbol_is_found_under_all_its_spellings(client: TestClient, symbol: str) -> None:
    answer = client.post("/predict", json={"symbol": symbol, "horizon": 2})

    assert answer.status_code == 200
    assert PredictAnswer.model_validate(answer.json()).symbol == "PETR4.SA"
    assert len(answer.json()["forecast"]) == 2


def test_json_needs_no_content_type(client: TestClient) -> None:
    assert client.post("/predict", content=b'{"symbol": "petr4"}').status_code == 200


def test_json_sent_as_curl_sends_it_is_read(client: TestClient) -> None:
    form = {"content-type": "application/x-www-form-urlencoded"}
    answer = client.post("/predict", content=b'{"symbol": "AAPL", "horizon": 11}', headers=form)
    assert [error["field"] for error in answer.json()["errors"]] == ["horizon"]


def test_get_and_post_answer_the_same(client: TestClient) -> None:
    by_get = client.get("/forecast/petr4", params={"horizon": 4})

    assert by_get.status_code == 200
    by_post = client.post("/predict", json={"symbol": "PETR4.SA", "horizon": 4})
    assert timeless(by_get.json()) == timeless(by_post.json())


def test_the_horizon_is_ten_where_none_is_asked_for(client: TestClient) -> None:
    assert len(client.post("/predict", json={"symbol": "petr4"}).json()["forecast"]) == 10
    assert len(client.get("/forecast/petr4").json()["forecast"]) == 10


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"symbol": "../../etc"}, "symbol"),
        ({"symbol": "A" * 200}, "symbol"),
        ({"symbol": ""}, "symbol"),
        ({"symbol": 4}, "symbol"),
        ({"symbol": "PETR4.SA", "horizon": 0}, "horizon"),
        ({"symbol": "PETR4.SA", "horizon": 11}, "horizon"),
        ({"symbol": "PETR4.SA", "horizon": "3"}, "horizon"),
        ({"symbol": "PETR4.SA", "horizon": True}, "horizon"),
        ({"symbol": "PETR4.SA", "days": 3}, "days"),
        ({"symbol": "PETR4.SA", "lookback_days": 29}, "lookback_days"),
        ({"symbol": "PETR4.SA", "lookback_days": 401}, "lookback_days"),
        ({"symbol": "PETR4.SA", "lookback_days": "60"}, "lookback_days"),
        ({"history": CLOSES, "lookback_days": 40}, "body"),
        ({}, "body"),
        ([], "body"),
        ({"history": []}, "history"),
        ({"history": [30.0, 31.0, 32.0]}, "history"),
        ({"history": "closes"}, "history"),
        ({"history": [*CLOSES, "a text"]}, "history.60"),
        ({"history": [*CLOSES, "31.5"]}, "history.60"),
        ({"history": [*CLOSES, None]}, "history.60"),
        ({"history": [*CLOSES, 0]}, "history.60"),
        ({"history": [*CLOSES, -1.5]}, "history.60"),
        ({"history": [*CLOSES, True]}, "history.60"),
        ({"history": [*CLOSES, {"close": 3.0}]}, "history.60"),
        ({"history": [30.0] * 501}, "history"),
        ({"history": [{"close": close} for close in CLOSES] + [{"open": 1.0}]}, "history.60.close"),
        ({"history": [{"close": close} for close in CLOSES] + [{"close": 1.0, "clsoe": 2.0}]}, "history.60.clsoe"),
        ({"history": [{"close": close} for close in CLOSES] + [{"close": 1.0, "open": 0}]}, "history.60.open"),
        ({"history": [{"close": close} for close in CLOSES] + [{"close": 1.0, "volume": -1}]}, "history.60.volume"),
        ({"history": [{"close": 3, "date": "2024-01-02"}] * 40}, "history.1.date"),
        ({"history": [{"close": 3, "date": "2024-01-02"}] + [{"close": 3}] * 40}, "history.1.date"),
        ({"history": [{"close": 3, "date": "yesterday"}] * 40}, "history.0.date"),
    ],
)
def test_bad_input_is_refused_with_the_field_named(client: TestClient, body: Any, field: str) -> None:
    answer = client.post("/predict", json=body)

    assert answer.status_code == 422
    assert field in fields(answer)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_numbers_that_are_none_are_refused(client: TestClient, number: str) -> None:
    closes = ", ".join([*map(str, CLOSES), number])
    body = f'{{"history": [{closes}]}}'

    answer = client.post("/predict", content=body, headers={"content-type": "application/json"})

    assert answer.status_code == 422
    assert fields(answer) in (["history.60"], ["body"])


def test_a_body_that_is_no_json_is_refused(client: TestClient) -> None:
    answer = client.post("/predict", content=b"{", headers={"content-type": "application/json"})

    assert answer.status_code == 422
    assert fields(answer) == ["body"]


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/forecast/PETR4.SA?horizon=0", "horizon"),
        ("/forecast/PETR4.SA?horizon=11", "horizon"),
        ("/forecast/PETR4.SA?horizon=x", "horizon"),
        ("/forecast/..%2F..%2Fetc", "symbol"),
        ("/forecast/" + "A" * 200, "symbol"),
        ("/train/no-id", "id"),
    ],
)
def test_bad_paths_are_refused_with_the_field_named(client: TestClient, path: str, field: str) -> None:
    answer = client.get(path)

    assert answer.status_code == 422
    assert fields(answer) == [field]


def test_a_lookback_forecasts_from_the_latest_sessions_alone(client: TestClient, desk: LocalDesk) -> None:
    window = desk.book.window("PETR4.SA", 40)
    assert window is not None
    rows = [{"date": str(session), "close": row[3], "volume": row[4]} for session, row in window.adjusted()]
    for row in rows:
        row.update(dict.fromkeys(("open", "high", "low"), row["close"]))

    looked_back = client.post("/predict", json={"symbol": "petr4", "lookback_days": 40})
    sent = client.post("/predict", json={"symbol": "petr4", "history": rows})

    assert looked_back.status_code == 200
    assert PredictAnswer.model_validate(looked_back.json()).lookback_days == 40
    assert looked_back.json()["forecast"] == sent.json()["forecast"]
    assert looked_back.json()["forecast"] != client.post("/predict", json={"symbol": "petr4"}).json()["forecast"]


def test_a_lookback_beyond_what_there_is_shows_what_there_is(client: TestClient) -> None:
    assert client.post("/predict", json={"symbol": "petr4", "lookback_days": 200}).json()["lookback_days"] == 80
    assert client.post("/predict", json={"symbol": "petr4"}).json()["lookback_days"] is None


def test_a_lookback_needs_the_forecaster(client: TestClient, desk: LocalDesk) -> None:
    body = {"symbol": "petr4", "lookback_days": 40}
    desk.reachable = False
    assert client.post("/predict", json=body).status_code == 503


def test_an_unknown_symbol_is_named(client: TestClient) -> None:
    answer = client.post("/predict", json={"symbol": "itub4"})

    assert answer.status_code == 404
    assert "ITUB4.SA" in answer.json()["detail"]
    assert fields(answer) == ["symbol"]


def test_errors_of_the_framework_are_problems_too(client: TestClient) -> None:
    assert client.get("/nowhere").status_code == 404
    assert fields(client.get("/nowhere")) == []
    assert client.delete("/predict").status_code == 405
    assert fields(client.delete("/predict")) == []


def test_a_large_body_is_refused(client: TestClient) -> None:
    answer = client.post("/predict", content=b"x" * (50 * 2**20))

    assert answer.status_code == 413
    assert fields(answer) == []


def test_not_ready_says_what_is_missing(desk: LocalDesk) -> None:
    client = TestClient(Edge(build_app(Context(Serving(), desk)), Serving()))

    for answer in (client.get("/ready"), client.get("/readyz"), client.post("/predict", json={"symbol": "PETR4.SA"})):
        assert answer.status_code == 503
        assert "still reading the quotes (3 symbols so far)" in answer.json()["detail"]
        assert answer.headers["retry-after"] == "2"
    for path in ("/health", "/livez"):
        assert client.get(path).json() == {"status": "healthy"}


def test_ready_once_there_are_forecasts(client: TestClient) -> None:
    answer = client.get("/readyz")

    assert client.get("/ready").content == answer.content
    assert answer.status_code == 200
    assert answer.json() == {"status": "ready", "symbols": 3, "model": "closecast-panel", "version": "base"}


def test_forecasts_are_answered_while_the_forecaster_is_away(client: TestClient, desk: LocalDesk) -> None:
    desk.reachable = False

    assert client.post("/predict", json={"symbol": "petr4"}).status_code == 200
    assert client.post("/predict", json={"history": CLOSES}).status_code == 200
    assert client.get("/ready").status_code == 200
    for answer in (client.post("/train", json={}), client.get(f"/train/{uuid4()}")):
        assert answer.status_code == 503
        assert answer.headers["retry-after"] == "2"


def test_metrics_count_what_was_answered(client: TestClient) -> None:
    def count() -> float:
        lines = client.get("/metrics").text.splitlines()
        values = [line for line in lines if line.startswith('http_requests_total{method="POST",status="200"}')]
        return float(values[0].split()[-1]) if values else 0.0

    before = count()
    client.post("/predict", json={"symbol": "PETR4.SA"})
    client.post("/predict", json={"symbol": "petr4"})

    assert count() == before + 2


def test_the_document_describes_every_answer() -> None:
    document = openapi_document()

    assert set(document["paths"]) == {
        "/predict",
        "/forecast/{symbol}",
        "/train",
        "/train/{id}",
        "/predict_b3",
        "/v1/timeseries/models",
        "/v1/timeseries/forecast",
        "/v2/health/live",
        "/v2/health/ready",
        "/models",
        "/models/{version}",
        "/models/{version}/promote",
        "/symbols",
        "/quotes/{symbol}",
        "/stats",
        "/stats/{symbol}",
        "/health",
        "/livez",
        "/ready",
        "/readyz",
        "/metrics",
        "/login",
        "/access",
    }
    for name, path in document["paths"].items():
        for operation in path.values():
            for status, answer in operation["responses"].items():
                kinds = {"application/problem+json"} if int(status) >= 400 else {"application/json", "text/plain"}
                of_kserve = {"application/json"} if name.startswith(("/v1/", "/v2/")) else set()
                assert set(answer["content"]) <= kinds | of_kserve
    assert json.loads(json.dumps(document)) == document


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=8), inner, max_size=5),
    max_leaves=20,
)
REQUESTS = st.fixed_dictionaries({}, optional={"symbol": JSON, "horizon": JSON, "history": JSON, "extra": JSON}) | JSON
ROBUST = TestClient(
    Edge(build_app(Context(served := serving_of("PETR4.SA"), LocalDesk())), served),
    raise_server_exceptions=False,
)


@pytest.mark.fuzz
@given(REQUESTS)
@settings(max_examples=cases(300))
def test_no_body_is_answered_with_a_server_error(body: Any) -> None:
    text = json.dumps(body)

    answer = ROBUST.post("/predict", content=text, headers={"content-type": "application/json"})

    assert answer.status_code in (200, 404, 422)


def test_the_documentation_page_needs_no_other_host(client: TestClient) -> None:
    page = client.get("/docs").text
    addresses = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert addresses
    for address in addresses:
        assert address.startswith("/")
        assert client.get(address).status_code == 200
