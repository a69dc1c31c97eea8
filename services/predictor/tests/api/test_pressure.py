"""More than a replica can hold: requests at a time, bodies at a time, headers of one request."""

import asyncio
import json
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest
from services.predictor.tests.api.conftest import LocalDesk
from services.predictor.tests.api.test_edge import Application, Server, call
from starlette.testclient import TestClient
from starlette.types import Message, Receive, Scope, Send

from closecast.forecasting.panel import Panel
from closecast.forecasting.series import Floats
from closecast_predictor.api.app import build_app
from closecast_predictor.api.bodies import Bodies
from closecast_predictor.api.edge import Edge
from closecast_predictor.api.histories import make_calendar
from closecast_predictor.api.pressure import MOST_HEADER_BYTES, MOST_HEADERS
from closecast_predictor.api.routes.context import Context
from closecast_predictor.api.serving import Serving
from closecast_predictor.snapshot import Lineup, Model

KNOWN = b'{"symbol": "PETR4.SA"}'
HISTORY = json.dumps({"history": [30 + at % 7 / 10 for at in range(80)]}).encode()


class Slow:
    """An application that answers when it is told to."""

    def __init__(self) -> None:
        self.entered = 0
        self.go_on = asyncio.Event()

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        if scope["path"] != "/health":
            self.entered += 1
            await self.go_on.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})


def start(edge: Edge, method: str, path: str, body: bytes = b"") -> tuple[asyncio.Task[None], Server]:
    server = Server([body], [])
    scope: Scope = {"type": "http", "method": method, "path": path, "query_string": b"", "headers": []}
    return asyncio.get_running_loop().create_task(edge(scope, server.receive, server.send)), server


def status_of(server: Server) -> int:
    status: int = server.sent[0]["status"]
    return status


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


def test_beyond_what_a_replica_holds_it_says_come_back(serving: Serving) -> None:
    async def go() -> None:
        slow, serving.max_in_progress = Slow(), 3
        edge = Edge(slow, serving)
        waiting = [start(edge, "GET", "/stats") for _ in range(3)]
        await settle()
        assert slow.entered == 3

        refused, probe, known = (
            start(edge, "GET", "/stats"),
            start(edge, "GET", "/health"),
            start(edge, "POST", "/predict", KNOWN),
        )
        await settle()
        assert status_of(refused[1]) == 503
        headers = dict(refused[1].sent[0]["headers"])
        assert headers[b"retry-after"] == b"1"
        assert headers[b"content-type"] == b"application/problem+json"
        assert json.loads(refused[1].sent[1]["body"])["status"] == 503
        assert status_of(probe[1]) == 200, "a busy replica is not a dead one"
        assert status_of(known[1]) == 200, "known symbols cost next to nothing"
        assert slow.entered == 3

        slow.go_on.set()
        await asyncio.gather(*(task for task, _ in waiting))
        assert [status_of(server) for _, server in waiting] == [200] * 3
        after, server = start(edge, "GET", "/stats")
        await after
        assert status_of(server) == 200

    asyncio.run(go())


def test_histories_count_as_long_as_they_wait(serving: Serving) -> None:
    async def go() -> None:
        serving.max_in_progress = 3
        edge = Edge(Application(), serving)
        await make_calendar(None)

        asked = [start(edge, "POST", "/predict", HISTORY) for _ in range(20)]
        await asyncio.gather(*(task for task, _ in asked))

        statuses = [status_of(server) for _, server in asked]
        assert 200 in statuses
        assert 503 in statuses
        later, server = start(edge, "POST", "/predict", HISTORY)
        await later
        assert status_of(server) == 200, "each has given its place back"

    asyncio.run(go())


def test_a_history_that_fails_at_the_edge_is_left_to_the_route(serving: Serving) -> None:
    class Broken:
        def forecast(self, panel: Panel) -> Floats:
            raise RuntimeError(f"{len(panel)} of them")

    asyncio.run(make_calendar(None))
    assert serving.snapshot is not None
    serving.swap(serving.snapshot, Lineup(replace(Model.base("closecast-panel"), forecaster=Broken())))
    app = Edge(build_app(Context(serving, LocalDesk())), serving)

    answer = TestClient(app, raise_server_exceptions=False).post("/predict", content=HISTORY)

    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_request_that_breaks_gives_its_place_back(serving: Serving) -> None:
    async def broken(_scope: Scope, _receive: Receive, _send: Send) -> None:
        raise RuntimeError("test")

    serving.max_in_progress = 1
    edge = Edge(broken, serving)
    for _ in range(3):
        with pytest.raises(RuntimeError, match="test"):
            call(edge, "GET", "/stats")


def test_only_so_many_bodies_are_read_at_a_time(serving: Serving) -> None:
    async def go() -> None:
        serving.max_in_progress = 2
        bodies, never = Bodies(serving), asyncio.Event()

        async def trickle() -> Message:
            if not begun:
                begun.append(True)
                return {"type": "http.request", "body": b"x", "more_body": True}
            await never.wait()
            raise AssertionError

        reading = []
        for _ in range(2):
            begun: list[bool] = []
            reading.append(asyncio.create_task(bodies.read({"headers": []}, trickle)))
            await settle()
        begun = []
        refused = await bodies.read({"headers": []}, trickle)
        whole = await bodies.read({"headers": []}, Server([b"whole"], []).receive)

        assert not isinstance(refused, bytes)
        assert refused.status_code == 503
        assert whole == b"whole"
        for task in reading:
            task.cancel()
        await asyncio.gather(*reading, return_exceptions=True)
        assert await bodies.read({"headers": []}, Server([b"in ", b"pieces"], []).receive) == b"in pieces"

    asyncio.run(go())


def test_a_body_that_never_ends_is_given_up(serving: Serving) -> None:
    async def go() -> Any:
        async def trickle() -> Message:
            await asyncio.sleep(0.001)
            return {"type": "http.request", "body": b"", "more_body": True}

        return await Bodies(serving, longest_s=0.05).read({"headers": []}, trickle)

    assert asyncio.run(go()).status_code == 408


def test_two_gigabytes_are_refused_after_the_first_bytes(serving: Serving) -> None:
    application = Application()
    piece = bytes(65536)

    def two_gigabytes() -> Iterable[bytes]:
        for _ in range(2**31 // len(piece)):
            yield piece

    for headers, taken in (([(b"content-length", b"2147483648")], 1), ([], 17)):
        status, body, server = call(
            Edge(application, serving), "POST", "/predict", chunks=two_gigabytes(), headers=headers
        )
        assert status == 413
        assert json.loads(body)["title"] == "Content Too Large" or json.loads(body)["status"] == 413
        assert server.taken == taken
    assert application.bodies == []


@pytest.mark.parametrize(
    "headers",
    [
        [(b"x-%d" % number, b"1") for number in range(MOST_HEADERS + 1)],
        [(b"x-1", b"a" * MOST_HEADER_BYTES)],
        [(b"a" * MOST_HEADER_BYTES, b"1")],
        [(b"x-1", b"a" * 1000)] * 90,
    ],
)
def test_a_flood_of_headers_is_refused(serving: Serving, headers: list[tuple[bytes, bytes]]) -> None:
    application = Application()
    for method, path, body in (
        ("GET", "/forecast/PETR4.SA", b""),
        ("POST", "/predict", KNOWN),
        ("GET", "/nowhere", b""),
    ):
        status, answer, server = call(Edge(application, serving), method, path, chunks=[body], headers=headers)
        assert (status, server.taken) == (431, 0)
        assert json.loads(answer)["status"] == 431
    assert application.bodies == []


def test_as_many_headers_as_browsers_send_are_fine(client: TestClient) -> None:
    headers = {f"x-{number}": "a" * 100 for number in range(60)}

    assert client.get("/health", headers=headers).status_code == 200
