"""The edge by itself, spoken to in ASGI, so that what it does not pass on is seen."""

import asyncio
import json
from collections.abc import Iterable
from typing import Any

import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from closecast_predictor.api.edge import Edge, middlewares
from closecast_predictor.api.serving import SERVING, Serving

PASSED_ON = b"passed on"


class Application:
    """Stands for everything behind the edge and notes what body arrives there."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        self.bodies.append(body)
        await send({"type": "http.response.start", "status": 418, "headers": []})
        await send({"type": "http.response.body", "body": PASSED_ON})


class Server:
    """Gives an ASGI application one request in chunks, and counts how many were taken."""

    def __init__(self, chunks: Iterable[bytes], headers: list[tuple[bytes, bytes]]) -> None:
        self._chunks = iter(chunks)
        self._next = next(self._chunks, b"")
        self.headers = headers
        self.taken = 0
        self.sent: list[Message] = []

    async def receive(self) -> Message:
        self.taken += 1
        body, following = self._next, next(self._chunks, None)
        self._next = following or b""
        return {"type": "http.request", "body": body, "more_body": following is not None}

    async def send(self, message: Message) -> None:
        self.sent.append(message)


def call(
    edge: ASGIApp,
    method: str,
    path: str,
    *,
    chunks: Iterable[bytes] = (b"",),
    query: bytes = b"",
    headers: list[tuple[bytes, bytes]] | None = None,
) -> tuple[int, bytes, Server]:
    server = Server(chunks, headers or [])
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": query,
        "headers": server.headers,
    }

    async def ask() -> None:
        await edge(scope, server.receive, server.send)

    asyncio.run(ask())
    return server.sent[0]["status"], server.sent[1]["body"], server


@pytest.fixture
def application() -> Application:
    return Application()


@pytest.fixture
def edge(application: Application, serving: Serving) -> Edge:
    return Edge(application, serving)


@pytest.mark.parametrize(
    ("request_body", "symbol", "horizon"),
    [
        ({"symbol": "PETR4.SA"}, "PETR4.SA", 10),
        ({"symbol": "PETR4"}, "PETR4.SA", 10),
        ({"horizon": 1, "symbol": "AAPL"}, "AAPL", 1),
    ],
)
def test_a_known_symbol_is_answered_here(
    edge: Edge, application: Application, request_body: dict[str, Any], symbol: str, horizon: int
) -> None:
    status, body, server = call(edge, "POST", "/predict", chunks=[json.dumps(request_body).encode()])

    answer = json.loads(body)
    assert (status, answer["symbol"], answer["horizon"]) == (200, symbol, horizon)
    assert dict(server.sent[0]["headers"])[b"content-length"] == str(len(body)).encode()
    assert application.bodies == []


def test_a_known_symbol_is_answered_by_get_too(edge: Edge, application: Application) -> None:
    status, body, _ = call(edge, "GET", "/forecast/PETR4.SA", query=b"horizon=2")

    assert (status, json.loads(body)["horizon"]) == (200, 2)
    assert application.bodies == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"1",
        b"null",
        b'"PETR4.SA"',
        b"{}",
        b'{"symbol": "NONE3.SA"}',
        b'{"symbol": "petr4"}',
        b'{"symbol": 4}',
        b'{"symbol": ["PETR4.SA"]}',
        b'{"symbol": "PETR4.SA", "horizon": 0}',
        b'{"symbol": "PETR4.SA", "horizon": 11}',
        b'{"symbol": "PETR4.SA", "horizon": true}',
        b'{"symbol": "PETR4.SA", "horizon": 1.0}',
        b'{"symbol": "PETR4.SA", "horizon": NaN}',
        b'{"symbol": "PETR4.SA", "unknown": 1}',
        b'{"symbol": "PETR4.SA", "history": [1, 2]}',
        b"\xff\xfe",
    ],
)
def test_all_else_is_passed_on_with_its_body(edge: Edge, application: Application, body: bytes) -> None:
    status, answer, _ = call(edge, "POST", "/predict", chunks=[body])

    assert (status, answer) == (418, PASSED_ON)
    assert application.bodies == [body]


@pytest.mark.parametrize(
    "query", [b"horizon=0", b"horizon=11", b"horizon=x", b"horizon=1&horizon=2", b"h=1", b"horizon=" + b"9" * 5000]
)
def test_other_queries_are_passed_on(edge: Edge, query: bytes) -> None:
    assert call(edge, "GET", "/forecast/PETR4.SA", query=query)[:2] == (418, PASSED_ON)


def test_a_body_in_chunks_is_put_together(edge: Edge) -> None:
    status, body, _ = call(edge, "POST", "/predict", chunks=[b'{"symbol":', b' "PETR4.SA"', b"}"])

    assert (status, json.loads(body)["symbol"]) == (200, "PETR4.SA")


@pytest.mark.parametrize("size", [b"52428800", b"2147483648"])
def test_an_announced_size_is_refused_before_it_is_read(edge: Edge, application: Application, size: bytes) -> None:
    chunks = (b"x" * 65536 for _ in range(800))

    status, body, server = call(edge, "POST", "/predict", chunks=chunks, headers=[(b"content-length", size)])

    assert status == 413
    assert json.loads(body)["detail"] == "the body is larger than 1048576 bytes"
    assert server.taken == 1
    assert application.bodies == []


def test_a_size_that_was_not_announced_is_refused_as_soon_as_it_shows(edge: Edge) -> None:
    chunks = (b"x" * 65536 for _ in range(800))

    status, _, server = call(edge, "POST", "/train", chunks=chunks)

    assert status == 413
    assert server.taken == 17


def test_inner_edges_leave_a_request_alone(application: Application, serving: Serving) -> None:
    within = Edge(application, serving)
    nothing_known = Edge(within, Serving())

    status, answer, _ = call(nothing_known, "POST", "/predict", chunks=[b'{"symbol": "PETR4.SA"}'])

    assert (status, answer) == (418, PASSED_ON)


def test_ray_serves_own_paths_are_left_alone(edge: Edge) -> None:
    assert call(edge, "GET", "/-/healthz")[:2] == (418, PASSED_ON)


def test_the_middleware_of_the_server_answers_from_the_state_of_the_process(
    application: Application, serving: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    (middleware,) = middlewares()
    edge = middleware.cls(application, *middleware.args, **middleware.kwargs)

    assert call(edge, "POST", "/predict", chunks=[b'{"symbol": "PETR4.SA"}'])[0] == 418
    monkeypatch.setattr(SERVING, "answers", serving.answers)
    monkeypatch.setattr(SERVING, "max_body", serving.max_body)

    assert call(edge, "POST", "/predict", chunks=[b'{"symbol": "PETR4.SA"}'])[0] == 200


def test_a_process_that_is_no_replica_leaves_a_request_to_the_edge_of_one(
    application: Application, serving: Serving
) -> None:
    proxy = Edge(Edge(application, serving), Serving(max_body=0))

    assert call(proxy, "POST", "/predict", chunks=[b'{"symbol": "PETR4.SA"}'])[0] == 200
