"""Users and their tokens, through the HTTP door."""

import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import jwt
import pytest
from argon2 import PasswordHasher
from pydantic import SecretStr
from services.predictor.tests.access.doors import ASK, PHRASE, auth, bearer, guarded, key_with
from starlette.testclient import TestClient

from closecast_predictor.access import users as users_module
from closecast_predictor.access.authenticator import Authenticator
from closecast_predictor.access.guard import Guard
from closecast_predictor.access.permissions import Permission
from closecast_predictor.access.settings import AuthSettings
from closecast_predictor.api.serving import Serving

CHEAP: Final = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
USERS: Final = f"ana:predict,train:{CHEAP.hash(PHRASE)};bob:admin:{CHEAP.hash('another long one')}"
KEY: Final = "k" * 64


@pytest.fixture
def client(serving: Serving) -> Iterator[TestClient]:
    with guarded(serving, Guard(Authenticator(auth(users=USERS, signing_key=KEY)))) as client:
        yield client


def log_in(client: TestClient, user: str = "ana", typed: str = PHRASE, **headers: str) -> Any:
    return client.post("/login", data={"username": user, "password": typed}, headers=headers)


def test_a_user_logs_in_and_may_what_the_settings_say(client: TestClient) -> None:
    answer = log_in(client)

    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    told = answer.json()
    assert (told["token_type"], told["expires_in"], told["scope"]) == ("bearer", 3600, "predict train")
    token = bearer(told["access_token"])
    assert client.post("/predict", json=ASK, headers=token).status_code == 200
    assert client.post("/train", json={}, headers=token).status_code == 202
    assert client.get("/nowhere", headers=token).status_code == 403
    assert client.get("/access", headers=token).json() == {"auth": True, "login": True, "scopes": ["predict", "train"]}


def test_a_wrong_password_and_an_unknown_user_get_the_same_answer(client: TestClient) -> None:
    wrong, unknown, borrowed = log_in(client, typed="wrong"), log_in(client, "eve"), log_in(client, "bob")

    assert wrong.status_code == 401
    assert wrong.headers["content-type"] == "application/problem+json"
    assert "www-authenticate" in wrong.headers
    assert wrong.json() == unknown.json() == borrowed.json()


def test_an_unknown_user_costs_one_hash_like_a_known_one(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    checked: list[str] = []
    verify = users_module._verify

    def counted(digest: str, password: str) -> bool:
        checked.append(digest)
        return verify(digest, password)

    monkeypatch.setattr(users_module, "_verify", counted)
    for user, password in (("ana", "wrong"), ("eve", "wrong"), ("eve", PHRASE)):
        checked.clear()
        assert log_in(client, user, password).status_code == 401
        assert [CHEAP.check_needs_rehash(digest) for digest in checked] == [False], "one hash, of the same cost"


def test_a_name_that_nobody_has_is_counted_too(client: TestClient) -> None:
    answers = [log_in(client, "eve").status_code for _ in range(6)]

    assert answers == [401] * 5 + [429]


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"username": "ana"},
        {"password": PHRASE},
        {"username": "ana", "password": PHRASE, "grant_type": "client_credentials"},
    ],
)
def test_an_incomplete_form_is_refused_with_the_field_named(client: TestClient, form: dict[str, str]) -> None:
    answer = client.post("/login", data=form)

    assert answer.status_code == 422
    assert {error["field"] for error in answer.json()["errors"]} <= {"username", "password", "grant_type"}


@pytest.mark.parametrize(
    ("user", "password"),
    [("ana", ""), ("", PHRASE), ("ana\x00", PHRASE), ("ana", "\x00"), ("a" * 9000, "b" * 90_000)],
)
def test_strange_names_and_passwords_are_wrong(client: TestClient, user: str, password: str) -> None:
    assert log_in(client, user, password).status_code in (401, 422)


def test_json_is_no_login(client: TestClient) -> None:
    assert client.post("/login", json={"username": "ana", "password": PHRASE}).status_code == 422


def test_guessing_is_slowed_down(client: TestClient) -> None:
    guesses = [log_in(client, typed=f"guess {number}").status_code for number in range(5)]
    stopped = log_in(client)

    assert guesses == [401] * 5
    assert stopped.status_code == 429, "even the right password: whether it was right must not show"
    assert stopped.headers["content-type"] == "application/problem+json"
    assert 1 <= int(stopped.headers["retry-after"]) <= 60
    assert log_in(client, "bob", "another long one").status_code == 200, "others still log in"


def test_guesses_at_the_same_time_are_counted_one_by_one(client: TestClient) -> None:
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda number: log_in(client, typed=f"guess {number}").status_code, range(16)))

    assert sorted(answers) == [401] * 5 + [429] * 11


def test_one_address_cannot_try_many_names(client: TestClient) -> None:
    answers = [log_in(client, f"user-{number}", "123456").status_code for number in range(61)]

    assert answers == [401] * 60 + [429]


def test_the_right_password_clears_the_count(client: TestClient) -> None:
    for _ in range(3):
        assert log_in(client, typed="wrong").status_code == 401
        assert log_in(client).status_code == 200


def test_addresses_are_told_apart_by_what_the_nearest_proxy_says(serving: Serving) -> None:
    guard = Guard(Authenticator(auth(users=USERS)), proxies=1)
    with guarded(serving, guard) as client:
        for number in range(5):
            # What stands on the left was written by the client: it does not make another address of it.
            forwarded = {"X-Forwarded-For": f"10.0.0.{number}, 203.0.113.7"}
            assert log_in(client, typed="wrong", **forwarded).status_code == 401

        assert log_in(client, **{"X-Forwarded-For": "10.9.9.9, 203.0.113.7"}).status_code == 429
        assert log_in(client, **{"X-Forwarded-For": "203.0.113.8"}).status_code == 200


def test_a_header_that_nobody_vouches_for_changes_nothing(client: TestClient) -> None:
    answers = [
        log_in(client, typed="wrong", **{"X-Forwarded-For": f"203.0.113.{number}"}).status_code for number in range(6)
    ]

    assert answers == [401] * 5 + [429]


def test_too_many_waiting_are_told_to_come_back(serving: Serving, monkeypatch: pytest.MonkeyPatch) -> None:
    let_go = threading.Event()
    monkeypatch.setattr(users_module, "_verify", lambda _digest, _password: let_go.wait(30))
    with guarded(serving, Guard(Authenticator(auth(users=USERS)))) as client, ThreadPoolExecutor(20) as pool:
        waiting = [pool.submit(log_in, client, f"user-{number}", "x") for number in range(20)]
        while sum(one.done() for one in waiting) < 4:
            time.sleep(0.01)
        refused = [one.result() for one in waiting if one.done()]
        let_go.set()
        statuses = sorted(one.result().status_code for one in waiting)

    assert [answer.status_code for answer in refused] == [503] * 4
    assert all(answer.headers["retry-after"] for answer in refused)
    assert statuses == [401] * 16 + [503] * 4


def test_replicas_take_the_tokens_of_each_other(forecasts: Serving) -> None:
    settings = AuthSettings(users=SecretStr(USERS)).ready_to_share()
    first, second = Serving(), Serving()
    for replica in (first, second):
        assert forecasts.snapshot is not None
        assert forecasts.models is not None
        replica.swap(forecasts.snapshot, forecasts.models)

    with (
        guarded(first, Guard(Authenticator(settings))) as one,
        guarded(second, Guard(Authenticator(settings))) as other,
    ):
        token = log_in(one).json()["access_token"]
        assert other.post("/predict", json=ASK, headers=bearer(token)).status_code == 200


def test_each_start_has_a_key_of_its_own(serving: Serving) -> None:
    with guarded(serving, Guard(Authenticator(auth(users=USERS)))) as another:
        foreign = log_in(another).json()["access_token"]
    with guarded(serving, Guard(Authenticator(auth(users=USERS)))) as another:
        assert another.post("/predict", json=ASK, headers=bearer(foreign)).status_code == 401


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": int(time.time()) - 60},
        {"exp": None},
        {"iss": "https://evil.example"},
        {"aud": "other"},
        {"sub": "eve"},
        {"sub": None},
        {"nbf": int(time.time()) + 86_400},
    ],
)
def test_tokens_with_wrong_claims_are_refused(client: TestClient, claims: dict[str, Any]) -> None:
    every = {"iss": "closecast", "aud": "closecast", "sub": "ana", "exp": int(time.time()) + 60, "scope": "admin"}
    good = jwt.encode(every, KEY, "HS256")
    bad = jwt.encode({name: value for name, value in (every | claims).items() if value is not None}, KEY, "HS256")

    assert client.post("/predict", json=ASK, headers=bearer(good)).status_code == 200
    assert client.post("/predict", json=ASK, headers=bearer(bad)).status_code == 401
    assert client.get("/nowhere", headers=bearer(good)).status_code == 403, (
        "the settings say what ana may, not the token"
    )


@pytest.mark.parametrize("algorithm", ["HS384", "HS512"])
def test_other_algorithms_are_refused_though_the_key_is_right(client: TestClient, algorithm: str) -> None:
    claims = {"iss": "closecast", "aud": "closecast", "sub": "ana", "exp": int(time.time()) + 60}

    assert client.post("/predict", json=ASK, headers=bearer(jwt.encode(claims, KEY, algorithm))).status_code == 401


def test_a_user_who_was_removed_is_out_at_once(serving: Serving, tmp_path: Path) -> None:
    file = tmp_path / "users"
    file.write_text(USERS.replace(";", "\n"))
    with guarded(serving, Guard(Authenticator(auth(users_file=file), look_again_s=0))) as client:
        token = bearer(log_in(client).json()["access_token"])
        assert client.post("/train", json={}, headers=token).status_code == 202
        file.write_text(USERS.split(";")[0].replace("predict,train", "predict"))
        assert client.post("/train", json={}, headers=token).status_code == 403
        file.write_text(USERS.split(";")[1])
        assert client.post("/predict", json=ASK, headers=token).status_code == 401


def test_there_is_no_login_without_users(serving: Serving) -> None:
    _, line = key_with(Permission.PREDICT)
    with guarded(serving, Guard(Authenticator(auth(keys=line)))) as client:
        assert log_in(client).status_code == 404
        assert client.get("/access").json() == {"auth": True, "login": False, "scopes": []}


def test_without_access_control_pages_may_do_everything(client: TestClient, serving: Serving) -> None:
    serving.guard = None

    assert log_in(client).status_code == 404
    assert client.get("/access").json() == {"auth": False, "login": False, "scopes": ["admin", "predict", "train"]}
    assert client.get("/access", headers=bearer("nonsense")).status_code == 200


def test_access_of_a_token_that_is_no_longer_good_is_none(client: TestClient) -> None:
    assert client.get("/access", headers=bearer("a.b.c")).json() == {"auth": True, "login": True, "scopes": []}


def test_no_secret_is_shown(client: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    settings = auth(users=USERS, signing_key=KEY)
    token = log_in(client).json()["access_token"]
    log_in(client, "Not-A-Name-But-A-Password", PHRASE)

    shown = (
        repr(settings)
        + str(settings)
        + settings.model_dump_json()
        + caplog.text
        + json.dumps(client.get("/access").json())
    )
    for secret in (KEY, PHRASE, "argon2", token, "Not-A-Name-But-A-Password"):
        assert secret not in shown
