"""Headers and body of an answer leave a replica in one write, where uvicorn makes two.

A replica that is killed between the two has begun an answer, which no other replica may go on with: HAProxy asks
another one only as long as nothing has come. One write also wakes HAProxy once instead of twice.
"""

import asyncio
from typing import Final

from uvicorn.config import HTTP_PROTOCOLS
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_UNNAMED: Final = "auto"
"""uvicorn's name for the protocol of a server that is told none, as Ray Serve tells none to those of its replicas."""


def send_whole_answers() -> None:
    """Have the HTTP servers that this process starts from now on send answers whole."""
    HTTP_PROTOCOLS[_UNNAMED] = f"{__name__}:{WholeAnswers.__name__}"


class WholeAnswers(HttpToolsProtocol):
    """uvicorn's HTTP protocol, which writes the headers of an answer together with what follows at once."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Take a new connection."""
        super().connection_made(_Joining(transport, self.loop))  # type: ignore[arg-type]


class _Joining:
    """A transport that makes one write of two that come in the same turn of the event loop.

    It keeps what is written until the next write, or until the turn ends, so that a stream of any length is passed on.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._kept = b""

    def __getattr__(self, name: str) -> object:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        if self._kept:
            kept, self._kept = self._kept, b""
            self._transport.writelines((kept, data))
        elif data:
            self._kept = data
            self._loop.call_soon(self._pass_on)

    def close(self) -> None:
        self._pass_on()
        self._transport.close()

    def _pass_on(self) -> None:
        kept, self._kept = self._kept, b""
        if kept and not self._transport.is_closing():
            self._transport.write(kept)
