import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from services.predictor.tests.api.conftest import LocalDesk
from services.predictor.tests.support import quotes_of, serving_of
from starlette.testclient import TestClient

from closecast_predictor.api.app import build_app
from closecast_predictor.api.edge import Edge
from closecast_predictor.api.routes.context import Context
from tests.support.fuzzing import cases

QUOTES = quotes_of("PETR4.SA", 60)
ROWS = [{"date": str(one.session), "close": one.close, "open": one.open} for one in QUOTES]
CSV = "Data;Fechamento;Abertura\n" + "".join(
    f"{one.session:%d/%m/%Y};{one.close};{one.open}\n".replace(".", ",") for one in reversed(QUOTES)
)
TEXT_CSV = {"content-type": "text/csv; charset=utf-8"}


def fields(answer: Any) -> list[str]:
    assert answer.headers["content-type"] == "application/problem+json"
    return [error["field"] for error in answer.json()["errors"]]


def test_a_csv_body_is_forecast_like_the_same_history_in_json(client: TestClient) -> None:
    by_json = client.post("/predict", json={"history": ROWS, "symbol": "petr4", "horizon": 3}).json()

    query: dict[str, str | int] = {"symbol": "petr4", "horizon": 3}
    by_csv = client.post("/predict", params=query, content=CSV.encode(), headers=TEXT_CSV)
    by_form = client.post(
        "/predict", data=query, files={"file": ("petr4.csv", CSV.encode(), "application/vnd.ms-excel")}
    )

    assert (by_csv.status_code, by_form.status_code) == (200, 200)
    for answer in (by_csv.json(), by_form.json()):
        assert answer["forecast"] == by_json["forecast"]
        assert answer["origin"] == by_json["origin"] == str(QUOTES[-1].session)
        assert (answer["symbol"], answer["last_close"]) == ("PETR4.SA", QUOTES[-1].close)


def test_the_horizon_is_ten_and_the_symbol_unknown_where_none_is_given(client: TestClient) -> None:
    answer = client.post("/predict", files={"file": CSV.encode()}).json()

    assert (answer["symbol"], answer["horizon"], len(answer["forecast"])) == (None, 10, 10)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"horizon": "11"}, "horizon"),
        ({"horizon": "x"}, "horizon"),
        ({"horizon": "9" * 5000}, "horizon"),
        ({"symbol": "../../etc"}, "symbol"),
        ({"days": "3"}, "days"),
        ({"history": "[]"}, "history"),
    ],
)
def test_bad_fields_are_refused_in_query_and_form_alike(client: TestClient, query: dict[str, str], field: str) -> None:
    small = {name: value[:900] for name, value in query.items()}
    for answer in (
        client.post("/predict", params=query, content=CSV.encode(), headers=TEXT_CSV),
        client.post("/predict", data=small, files={"file": CSV.encode()}),
    ):
        assert answer.status_code == 422
        assert fields(answer) == [field]


def test_faults_of_a_file_name_line_and_column(client: TestClient) -> None:
    bad = CSV.replace(";30,0;", ";trinta;").encode()
    line = bad.decode().splitlines().index(next(one for one in bad.decode().splitlines() if "trinta" in one)) + 1

    in_body = client.post("/predict", content=bad, headers=TEXT_CSV)
    in_form = client.post("/predict", files={"file": bad})

    assert (in_body.status_code, in_form.status_code) == (422, 422)
    assert (fields(in_body), fields(in_form)) == (["body"], ["file"])
    assert in_form.json()["detail"] == f"file: line {line}, column Fechamento: 'trinta' is no number"


def test_too_few_and_too_many_sessions_are_refused(client: TestClient) -> None:
    few = client.post("/predict", content=b"Close\n1\n2\n", headers=TEXT_CSV)
    many = client.post("/predict", content=b"Close\n" + b"1\n" * 501, headers=TEXT_CSV)

    assert (few.status_code, many.status_code) == (422, 422)
    assert "needs 30 to 500 sessions, has 2" in few.json()["detail"]
    assert "line 502: is that of session 501, at most 500 are read" in many.json()["detail"]


def test_a_form_without_its_file_is_refused(client: TestClient) -> None:
    for files in ({"other": CSV.encode()}, {"file": (None, "Close")}):
        answer = client.post("/predict", files=files)
        assert answer.status_code == 422
        assert fields(answer) == ["file"]


def test_forms_are_bounded(client: TestClient) -> None:
    many_files = [("file", CSV.encode())] * 2
    many_fields = {f"field{at}": "1" for at in range(17)}
    large_field = {"symbol": "A" * 2000}

    for answer in (
        client.post("/predict", files=many_files),
        client.post("/predict", files={"file": CSV.encode()}, data=many_fields),
        client.post("/predict", files={"file": CSV.encode()}, data=large_field),
        client.post("/predict", content=b"nothing", headers={"content-type": "multipart/form-data"}),
        client.post("/predict", content=b"broken", headers={"content-type": "multipart/form-data; boundary=x"}),
    ):
        assert answer.status_code == 400, answer.text
        assert fields(answer) == []


@pytest.mark.parametrize("kind", [TEXT_CSV, {"content-type": "multipart/form-data; boundary=x"}])
def test_a_large_file_is_refused_before_it_is_read(client: TestClient, kind: dict[str, str]) -> None:
    assert client.post("/predict", content=b"Close\n" + b"1\n" * 2**20, headers=kind).status_code == 413


ROBUST = TestClient(
    Edge(build_app(Context(served := serving_of("PETR4.SA", max_history=100), LocalDesk())), served),
    raise_server_exceptions=False,
)
PARTS = st.sampled_from(
    [
        *(b"--x", b"--x--", b"\r\n", b'"file"', b'"symbol"', b"; filename=a", b"; filename*=", b"\xff", b"\x00"),
        *(b"Content-Disposition: form-data; name=", b"Content-Type: text/csv; charset=", b"Close\n", b"30\n" * 40),
    ]
)
BODIES = st.lists(PARTS | st.binary(max_size=8), max_size=30).map(b"".join)
KINDS = st.sampled_from(
    ["text/csv", "TEXT/CSV", "multipart/form-data; boundary=x", "multipart/form-data", "multipart/form-data; boundary=",
     "multipart/form-data; boundary=x; charset=no-such", "text/csv; charset=utf-16"]
)  # fmt: skip


@pytest.mark.fuzz
@given(BODIES, KINDS, st.dictionaries(st.sampled_from(["symbol", "horizon", "x"]), st.text(max_size=9)))
@settings(max_examples=cases(200))
def test_no_upload_is_answered_with_a_server_error(body: bytes, kind: str, query: dict[str, str]) -> None:
    answer = ROBUST.post("/predict", params=query, content=body, headers={"content-type": kind})

    assert answer.status_code in (200, 400, 404, 422)
    assert json.loads(answer.content)
