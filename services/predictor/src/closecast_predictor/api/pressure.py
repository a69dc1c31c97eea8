"""Keeps more from a replica than it can hold: requests at a time, and headers of one request."""

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from itertools import chain
from typing import Final

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from closecast_predictor.access.permissions import PROBES
from closecast_predictor.api.errors import problem_response
from closecast_predictor.api.serving import Serving

MOST_HEADERS: Final = 100
MOST_HEADER_BYTES: Final = 16_384
"""As HAProxy has it; it stands before every replica and answers 400 by itself."""

_RETRY: Final = {"Retry-After": "1"}


class Backpressure:
    """ASGI middleware: passes so many requests on at a time and answers 503 to those beyond, except to probes.

    Args:
        app: Answers.
        serving: Tells how many.
    """

    def __init__(self, app: ASGIApp, serving: Serving) -> None:
        self._app = app
        self._serving = serving
        self._in_progress = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        if scope["path"] in PROBES:
            await self._app(scope, receive, send)
            return
        if self.is_full:
            await busy()(scope, receive, send)
            return
        with self.counted():
            await self._app(scope, receive, send)

    @property
    def is_full(self) -> bool:
        """Whether as many requests are in progress as may be."""
        return self._in_progress >= self._serving.max_in_progress

    @contextmanager
    def counted(self) -> Iterator[None]:
        """Count a request that is answered elsewhere for the length of a block."""
        self._in_progress += 1
        try:
            yield
        finally:
            self._in_progress -= 1


def busy() -> Response:
    """Return a 503 for a request beyond what a replica takes at a time."""
    return problem_response(
        HTTPStatus.SERVICE_UNAVAILABLE, "too many requests are in progress here; try again", headers=_RETRY
    )


def refuse_flood(scope: Scope) -> Response | None:
    """Return a 431 for a request with too many or too large headers, None for all others."""
    headers: list[tuple[bytes, bytes]] = scope["headers"]
    if len(headers) <= MOST_HEADERS and sum(map(len, chain.from_iterable(headers))) <= MOST_HEADER_BYTES:
        return None
    detail = f"more than {MOST_HEADERS} headers, or more than {MOST_HEADER_BYTES} bytes of them"
    return problem_response(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, detail, headers={"Connection": "close"})
