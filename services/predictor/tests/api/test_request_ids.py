"""Every answer names its request, and so does every log line that is written for it."""

import pytest
import structlog
from services.predictor.tests.api.conftest import LocalDesk
from starlette.testclient import TestClient

HEADER = "x-request-id"


@pytest.mark.parametrize("path", ["/forecast/PETR4.SA", "/forecast/NONE3.SA", "/health", "/nowhere"])
def test_the_id_of_the_caller_comes_back_once(client: TestClient, path: str) -> None:
    answer = client.get(path, headers={HEADER: "order-66:a.b_c/d+e=f"})

    assert answer.headers.get_list(HEADER) == ["order-66:a.b_c/d+e=f"]


@pytest.mark.parametrize("path", ["/forecast/PETR4.SA", "/health"])
def test_each_request_without_one_gets_its_own(client: TestClient, path: str) -> None:
    one, other = (client.get(path).headers[HEADER] for _ in range(2))

    assert one != other
    assert len(one) == len(other) == 32


@pytest.mark.parametrize("given", ["", "x" * 129, "two words", 'a"b', "a\tb", "caf\u00e9"])
def test_an_id_that_is_not_fit_for_a_log_is_replaced(client: TestClient, given: str) -> None:
    answer = client.get("/health", headers={HEADER.encode(): given.encode("latin-1")})

    assert len(answer.headers[HEADER]) == 32


def test_a_body_that_is_too_large_is_refused_by_its_id(client: TestClient) -> None:
    answer = client.post("/predict", content=b"x" * (2**20 + 1), headers={HEADER: "large"})

    assert (answer.status_code, answer.headers[HEADER]) == (413, "large")


def test_lines_that_are_logged_for_a_request_carry_its_id(client: TestClient, desk: LocalDesk) -> None:
    desk.reachable = False
    with structlog.testing.capture_logs(processors=[structlog.contextvars.merge_contextvars]) as lines:
        client.post("/train", json={}, headers={HEADER: "mine"})

    assert [(line["request_id"], line["event"], line["status"]) for line in lines] == [("mine", "answered", 503)]
