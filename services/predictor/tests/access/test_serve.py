"""Access control of the whole predictor: two replicas behind Ray Serve's HAProxy, all real."""

import time
from collections.abc import Iterator

import httpx
import pytest
from argon2 import PasswordHasher
from services.predictor.tests.access.doors import ASK, PHRASE, bearer, key_with
from services.predictor.tests.predictors import Predictor
from services.predictor.tests.registry import settings_of
from services.predictor.tests.support import quotes_of

from closecast.kafka import Publisher, ensure_topics
from closecast_predictor.access.permissions import Permission
from tests.support.kafka.broker import KafkaBroker

pytestmark = [pytest.mark.ray, pytest.mark.slow, pytest.mark.timeout(900)]

REPLICAS = 2
KEY, KEY_LINE = key_with(Permission.PREDICT)
ADMIN, ADMIN_LINE = key_with(Permission.ADMIN, name="admin")
SPARE, SPARE_LINE = key_with(Permission.PREDICT, name="spare")


@pytest.fixture(scope="module")
def predictor(
    kafka_broker: KafkaBroker, mlflow_server_uri: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Predictor]:
    kafka = kafka_broker.settings()
    ensure_topics(kafka, kafka.topics)
    publisher = Publisher(kafka, "test")
    publisher._producer.partitions_for(kafka.topics.quotes.name)
    for quote in quotes_of("PETR4.SA"):
        publisher.send(kafka.topics.quotes, quote)
    publisher.flush()
    publisher.close()
    folder = tmp_path_factory.mktemp("predictor")
    (folder / "keys").write_text(f"{KEY_LINE}\n{ADMIN_LINE}\n")
    settings = {
        "CLOSECAST_PREDICTOR_MIN_REPLICAS": str(REPLICAS),
        "CLOSECAST_PREDICTOR_MAX_REPLICAS": str(REPLICAS),
        "CLOSECAST_AUTH_KEYS_FILE": str(folder / "keys"),
        "CLOSECAST_AUTH_USERS": f"ana:predict,train:{PasswordHasher().hash(PHRASE)}",
    }
    with Predictor(kafka, settings_of(mlflow_server_uri), folder, **settings) as running:
        deadline = time.monotonic() + 120
        while len(running.replicas("Api")) < REPLICAS:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        yield running


def ask(predictor: Predictor, secret: str | None = None) -> int:
    """Ask for a known symbol on a connection of its own, so that each replica gets its share."""
    with httpx.Client(base_url=predictor.address, timeout=30, trust_env=False) as client:
        return client.post("/predict", json=ASK, headers=bearer(secret) if secret else {}).status_code


def test_every_replica_asks_for_a_key(predictor: Predictor) -> None:
    assert {ask(predictor) for _ in range(20)} == {401}
    assert {ask(predictor, SPARE) for _ in range(20)} == {401}
    assert {ask(predictor, KEY) for _ in range(20)} == {200}
    assert predictor.client.post("/train", json={}, headers=bearer(KEY)).status_code == 403
    for path in ("/health", "/readyz", "/metrics", "/docs"):
        assert predictor.client.get(path).status_code == 200


def test_a_token_of_one_replica_is_good_at_all(predictor: Predictor) -> None:
    answer = predictor.client.post("/login", data={"username": "ana", "password": PHRASE})

    assert answer.status_code == 200
    token = answer.json()["access_token"]
    assert {ask(predictor, token) for _ in range(20)} == {200}
    assert predictor.client.get("/access", headers=bearer(token)).json()["scopes"] == ["predict", "train"]


def test_guessing_is_slowed_down_whatever_address_a_client_makes_up(predictor: Predictor) -> None:
    answers = [
        predictor.client.post(
            "/login",
            data={"username": "bob", "password": f"guess {number}"},
            headers={"X-Forwarded-For": f"203.0.113.{number}"},
        ).status_code
        for number in range(5 * REPLICAS + 1)
    ]

    assert set(answers) == {401, 429}
    assert answers[-1] == 429


def test_a_key_that_is_added_to_the_file_opens_without_a_restart(predictor: Predictor) -> None:
    file = predictor.log.with_name("keys")
    file.write_text(f"{KEY_LINE}\n{ADMIN_LINE}\n{SPARE_LINE}\n")

    deadline = time.monotonic() + 60
    while {ask(predictor, SPARE) for _ in range(20)} != {200}:
        assert time.monotonic() < deadline


def test_a_flood_of_headers_is_refused_and_leaves_no_mark(predictor: Predictor) -> None:
    before = [replica.memory_info().rss for replica in predictor.replicas("Api")]
    floods = (
        {f"x-{number}": "1" for number in range(500)},
        {"x-1": "a" * 64_000},
        {f"x-{number}": "a" * 1000 for number in range(90)},
    )

    for headers in floods:
        answer = predictor.client.get("/health", headers=headers)
        # HAProxy's own answer: such a request comes no further.
        assert (answer.status_code, answer.headers["content-type"]) == (400, "text/html")

    after = [replica.memory_info().rss for replica in predictor.replicas("Api")]
    assert sum(after) - sum(before) < 20 * 2**20
    assert ask(predictor, KEY) == 200


def test_two_gigabytes_are_refused_in_bounded_memory(predictor: Predictor) -> None:
    before = sum(replica.memory_info().rss for replica in predictor.replicas("Api"))

    def two_gigabytes() -> Iterator[bytes]:
        for _ in range(2**31 // 2**20):
            yield bytes(2**20)

    for secret, status in ((KEY, 413), (None, 401)):
        headers = bearer(secret) if secret else {}
        answer = predictor.client.post("/predict", content=two_gigabytes(), headers=headers)
        assert answer.status_code == status
    assert sum(replica.memory_info().rss for replica in predictor.replicas("Api")) - before < 20 * 2**20


@pytest.mark.parametrize(
    "path",
    ["/api/jobs/", "/api/version", "/api/serve/applications/", "/dashboard", "/logs", "/-/other", "/internal/route"],
)
def test_ray_cannot_be_reached_through_the_predictor(predictor: Predictor, path: str) -> None:
    assert predictor.client.get(path).status_code == 401
    assert predictor.client.get(path, headers=bearer(ADMIN)).status_code == 404
    assert predictor.client.post(path, json={"entrypoint": "true"}, headers=bearer(ADMIN)).status_code == 404


def test_what_ray_serve_tells_everybody_is_no_secret(predictor: Predictor) -> None:
    assert predictor.client.get("/-/routes").json() == {"/": "closecast"}
    assert predictor.client.get("/-/healthz").text == "success"
