"""Answers of a real uvicorn server, with its own protocol and with ours."""

import asyncio
import socket
import struct
from typing import Final

import pytest
import uvicorn
from services.predictor.tests.packets import packets_of_an_answer
from services.predictor.tests.servers import serving
from starlette.types import Receive, Scope, Send
from uvicorn.config import HTTP_PROTOCOLS
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from closecast_predictor.api.whole_answers import WholeAnswers, send_whole_answers

TURNS: Final = 3
BODIES: Final = {"/": [b"0123456789" * 200], "/empty": [b""], "/stream": [b"a" * 1000, b"b" * 70_000, b"c", b"d"]}


async def answer(scope: Scope, _receive: Receive, send: Send) -> None:
    """Answer in the chunks of a path; `/slow` lets the event loop turn between headers and body."""
    path = scope["path"]
    chunks = BODIES.get(path, [b"late"])
    headers = [] if path == "/stream" else [(b"content-length", b"%d" % sum(map(len, chunks)))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    for _ in range(TURNS if path == "/slow" else 0):
        await asyncio.sleep(0)
    for chunk in chunks:
        await send({"type": "http.response.body", "body": chunk, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


def config_of(protocol: type[asyncio.Protocol] | str) -> uvicorn.Config:
    return uvicorn.Config(
        answer,
        http=protocol,
        lifespan="off",
        log_level="critical",
        date_header=False,
        server_header=False,
    )


def read_all(client: socket.socket) -> bytes:
    return b"".join(iter(lambda: client.recv(65536), b""))


def question(path: str, *, method: str = "GET", connection: str = "close") -> bytes:
    return f"{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: {connection}\r\n\r\n".encode()


KEPT: Final = question("/", connection="keep-alive")


def packets_of(protocol: type[asyncio.Protocol] | str) -> int:
    with serving(config_of(protocol)) as address:
        return packets_of_an_answer(address, "/")


def test_an_answer_comes_in_one_packet() -> None:
    assert packets_of(HttpToolsProtocol) == 2
    assert packets_of(WholeAnswers) == 1


def test_a_server_that_is_told_no_protocol_sends_answers_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(HTTP_PROTOCOLS, "auto", HTTP_PROTOCOLS["auto"])

    send_whole_answers()

    assert packets_of("auto") == 1


@pytest.mark.parametrize(
    "questions",
    [
        pytest.param(question("/"), id="closed after it"),
        pytest.param(question("/empty"), id="no body"),
        pytest.param(question("/", method="HEAD"), id="headers alone"),
        pytest.param(question("/stream"), id="chunks"),
        pytest.param(question("/slow"), id="headers long before the body"),
        pytest.param(KEPT + question("/stream", connection="keep-alive") + question("/slow"), id="one after the other"),
        pytest.param(b"no HTTP\r\n\r\n", id="no request"),
    ],
)
def test_what_is_answered_stays_the_same(questions: bytes) -> None:
    answers = []
    for protocol in (HttpToolsProtocol, WholeAnswers):
        with serving(config_of(protocol)) as address, socket.create_connection(address, timeout=10) as client:
            client.sendall(questions)
            answers.append(read_all(client))

    assert answers[0] == answers[1]
    assert answers[0].startswith(b"HTTP/1.1 ")


def test_a_client_that_goes_away_disturbs_no_other() -> None:
    with serving(config_of(WholeAnswers)) as address, socket.create_connection(address, timeout=10) as client:
        for _ in range(20):
            with socket.create_connection(address) as leaving:
                leaving.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                leaving.sendall(KEPT * 3)
        client.sendall(question("/"))

        assert read_all(client).endswith(BODIES["/"][0])
