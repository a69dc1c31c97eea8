"""Bodies of requests, read in bounded memory and time."""

import asyncio
from http import HTTPStatus
from typing import Final

from starlette.responses import Response
from starlette.types import Message, Receive, Scope

from closecast_predictor.api.errors import problem_response
from closecast_predictor.api.pressure import busy
from closecast_predictor.api.serving import Serving

_LONGEST_S: Final = 60.0


class Bodies:
    """Reads bodies: none above the largest size, and of those that come in pieces only so many at a time.

    Args:
        serving: Tells how large and how many.
        longest_s: How long one body may take.
    """

    def __init__(self, serving: Serving, longest_s: float = _LONGEST_S) -> None:
        self._serving = serving
        self._longest_s = longest_s
        self._reading = 0

    async def read(self, scope: Scope, receive: Receive) -> bytes | Response:
        """Return the body, or what answers the request in place of its route."""
        message = await receive()
        body: bytes = message.get("body", b"")
        if not message.get("more_body"):
            return body if len(body) <= self._serving.max_body else self._too_large()
        if _announced(scope) > self._serving.max_body:
            return self._too_large()
        if self._reading >= self._serving.max_in_progress:
            return busy()
        self._reading += 1
        try:
            async with asyncio.timeout(self._longest_s):
                return await self._rest(body, receive)
        except TimeoutError:
            return problem_response(
                HTTPStatus.REQUEST_TIMEOUT,
                f"the body took longer than {self._longest_s:g} s",
                headers={"Connection": "close"},
            )
        finally:
            self._reading -= 1

    async def _rest(self, begin: bytes, receive: Receive) -> bytes | Response:
        chunks, size, more = [begin], len(begin), True
        while more:
            message = await receive()
            chunks.append(message.get("body", b""))
            size += len(chunks[-1])
            if size > self._serving.max_body:
                return self._too_large()
            more = message.get("more_body", False)
        return b"".join(chunks)

    def _too_large(self) -> Response:
        detail = f"the body is larger than {self._serving.max_body} bytes"
        return problem_response(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail)


class Replay:
    """Gives the application a body that was read already, then what follows it."""

    def __init__(self, body: bytes, receive: Receive) -> None:
        self._body: bytes | None = body
        self._receive = receive

    async def __call__(self) -> Message:
        """Return the next message."""
        if self._body is None:
            return await self._receive()
        body, self._body = self._body, None
        return {"type": "http.request", "body": body, "more_body": False}


def _announced(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length":
            return int(value)
    return 0
