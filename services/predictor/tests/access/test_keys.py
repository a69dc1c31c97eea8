"""API keys through the HTTP door."""

import time
from pathlib import Path
from typing import Any

import pytest
from services.predictor.tests.access.doors import ASK, auth, bearer, guarded, key_with
from services.predictor.tests.api.test_edge import Application, call

from closecast_predictor.access.authenticator import Authenticator
from closecast_predictor.access.book import Book
from closecast_predictor.access.credentials import parse_keys
from closecast_predictor.access.guard import Guard
from closecast_predictor.access.permissions import Permission
from closecast_predictor.api.edge import Edge
from closecast_predictor.api.serving import Serving

PREDICT, TRAIN, ADMIN = Permission.PREDICT, Permission.TRAIN, Permission.ADMIN
UNKNOWN = "closecast_" + "A" * 43


@pytest.mark.parametrize(
    ("scopes", "predict", "train", "elsewhere"),
    [
        ((PREDICT,), 200, 403, 403),
        ((TRAIN,), 403, 202, 403),
        ((PREDICT, TRAIN), 200, 202, 403),
        ((ADMIN,), 200, 202, 404),
    ],
)
def test_a_key_opens_what_its_scopes_say(
    serving: Serving, scopes: tuple[Permission, ...], predict: int, train: int, elsewhere: int
) -> None:
    key, line = key_with(*scopes)

    with guarded(serving, Guard(Authenticator(auth(keys=line)))) as client:
        assert client.post("/predict", json=ASK, headers=bearer(key)).status_code == predict
        assert client.get("/forecast/PETR4.SA", headers=bearer(key)).status_code == predict
        assert client.post("/predict", json={"symbol": "petr4"}, headers=bearer(key)).status_code == predict
        assert client.post("/train", json={}, headers=bearer(key)).status_code == train
        assert client.get("/nowhere", headers=bearer(key)).status_code == elsewhere


def test_a_key_without_the_scope_is_told_which_one(serving: Serving) -> None:
    key, line = key_with(PREDICT)

    with guarded(serving, Guard(Authenticator(auth(keys=line)))) as client:
        answer = client.post("/train", json={}, headers=bearer(key))

    assert answer.status_code == 403
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"] == "this needs the scope train"
    assert 'error="insufficient_scope", scope="train"' in answer.headers["www-authenticate"]


def test_who_brings_nothing_is_asked_for_a_key(serving: Serving) -> None:
    _, line = key_with(ADMIN)

    with guarded(serving, Guard(Authenticator(auth(keys=line)))) as client:
        for answer in (client.post("/predict", json=ASK), client.get("/forecast/PETR4.SA"), client.get("/nowhere")):
            assert answer.status_code == 401
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.json()["status"] == 401
            assert answer.headers["www-authenticate"] == 'Bearer realm="closecast"'


@pytest.mark.parametrize(
    "garbage",
    [
        "",
        " ",
        "Bearer",
        "Bearer ",
        f"Bearer {UNKNOWN}",
        "Basic YW5hOnBhc3N3b3Jk",
        "Bearer a.b.c",
        "Bearer ..",
        "Bearer e30.e30.",
        "Bearer eyJhbGciOiJub25lIn0.e30.",
        b"Bearer \xff\xfe.\xff.\xff",
        b"\xff",
        "Bearer " + "x" * 9000,
        "Bearer " + "W1tb" * 1900 + ".e30.",  # base64 of thousands of opening brackets
        "Negotiate oRQwEqADCgEBoQsGCSqGSIb3EgECAg==",
    ],
)
def test_garbage_opens_nothing_and_breaks_nothing(serving: Serving, garbage: Any) -> None:
    _, line = key_with(ADMIN)
    users = "ana:admin:$argon2id$v=19$m=65536,t=3,p=4$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA"

    with guarded(serving, Guard(Authenticator(auth(keys=line, users=users)))) as client:
        answer = client.post("/predict", json=ASK, headers={"Authorization": garbage})
        openly = client.get("/health", headers={"Authorization": garbage})

    assert answer.status_code == 401
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]
    assert answer.headers["content-type"] == "application/problem+json"
    assert openly.status_code == 200


def test_the_scheme_may_be_written_in_any_letters(serving: Serving) -> None:
    key, line = key_with(PREDICT)

    with guarded(serving, Guard(Authenticator(auth(keys=line)))) as client:
        assert client.post("/predict", json=ASK, headers={"Authorization": f"bearer  {key}"}).status_code == 200


@pytest.mark.parametrize(
    "path", ["/health", "/livez", "/readyz", "/ready", "/metrics", "/docs", "/openapi.json", "/access"]
)
def test_open_routes_ask_nobody(serving: Serving, path: str) -> None:
    _, line = key_with(ADMIN)

    with guarded(serving, Guard(Authenticator(auth(keys=line)))) as client:
        assert client.get(path).status_code == 200


def test_a_body_is_not_read_of_somebody_who_may_not_send_one(serving: Serving) -> None:
    serving.guard = Guard(Authenticator(auth(keys=key_with(ADMIN)[1])))
    application = Application()
    chunks = (b"x" * 65536 for _ in range(800))

    status, _, server = call(Edge(application, serving), "POST", "/train", chunks=chunks)

    assert (status, server.taken, application.bodies) == (401, 0, [])


def test_keys_of_a_file_come_and_go_with_it(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    first, second = key_with(PREDICT, name="first")[1], key_with(PREDICT, name="second")[1]
    file.write_text(f"# of the team\n{first}\n")
    book = Book(parse_keys, None, file, look_again_s=0)

    assert [key.name for key in book.read()] == ["first"]
    assert book.read() is book.read()
    _replace(file, f"{second} # the new one\n")
    assert [key.name for key in book.read()] == ["second"]
    _replace(file, "nonsense")
    assert [key.name for key in book.read()] == ["second"]
    file.unlink()
    assert [key.name for key in book.read()] == ["second"]
    _replace(file, "")
    assert book.read() == ()


def test_a_key_that_was_taken_out_of_the_file_opens_nothing(serving: Serving, tmp_path: Path) -> None:
    key, line = key_with(PREDICT)
    file = tmp_path / "keys"
    file.write_text(line)

    with guarded(serving, Guard(Authenticator(auth(keys_file=file), look_again_s=0))) as client:
        assert client.post("/predict", json=ASK, headers=bearer(key)).status_code == 200
        _replace(file, key_with(PREDICT)[1])
        assert client.post("/predict", json=ASK, headers=bearer(key)).status_code == 401


def _replace(file: Path, text: str) -> None:
    """Put another file in its place, as Kubernetes does."""
    other = file.with_name(f"{file.name}.{time.monotonic_ns()}")
    other.write_text(text)
    other.replace(file)
