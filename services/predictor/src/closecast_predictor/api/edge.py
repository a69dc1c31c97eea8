"""The outermost layer of HTTP: bounds bodies, answers known symbols from ready-made bytes, and counts.

In HAProxy mode Ray Serve's replicas take requests from HAProxy directly, and this layer is the middleware of their
HTTP server (`middlewares`): what it answers costs none of Serve's own request path, which takes two thirds of the time
of such a request. In Serve's other modes it runs inside the deployment, where it does the same.
"""

from http import HTTPStatus
from time import perf_counter
from typing import Final

import orjson
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bound_contextvars

from closecast.horizons import HORIZONS
from closecast.telemetry.logs import get_logger
from closecast_predictor import metrics
from closecast_predictor.api import request_ids
from closecast_predictor.api.errors import PROBLEM_TYPE, problem_body
from closecast_predictor.api.serving import SERVING, Serving

_PASSED: Final = "closecast.edge"
_PREDICT: Final = "/predict"
_FORECAST: Final = "/forecast/"
_INTERNAL: Final = "/-/"
_DIGITS: Final = len(str(HORIZONS))
_JSON: Final = b"application/json"
_PROBLEM: Final = PROBLEM_TYPE.encode()
_FORM: Final = (b"content-type", b"application/x-www-form-urlencoded")
"""What `curl -d` says of any body unless it is told otherwise; nothing here takes forms."""
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_FROM_SNAPSHOT: Final = metrics.PREDICTIONS.labels("snapshot")
_log = get_logger(__name__)

_OK: Final = {method: metrics.HTTP_REQUESTS.labels(method, "200") for method in ("GET", "POST")}


class Edge:
    """ASGI middleware; a request that has passed one edge is left alone by those inside.

    Args:
        app: Answers whatever is not answered here.
        serving: The forecasts, and the largest body.
    """

    def __init__(self, app: ASGIApp, serving: Serving = SERVING) -> None:
        self._app = app
        self._serving = serving

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        if not self._serving.max_body or self._is_foreign(scope):
            await self._app(scope, receive, send)
            return
        scope[_PASSED] = True
        started = perf_counter()
        request_id = request_ids.identify(scope)
        method, path = scope["method"], scope["path"]
        answer = None
        if method == "GET":
            if path.startswith(_FORECAST):
                answer = self._for_path(path[len(_FORECAST) :], scope["query_string"])
        elif method == "POST":
            body = await _read(scope, receive, self._serving.max_body)
            if body is None:
                await self._refuse(send, request_id)
                return
            if path == _PREDICT:
                answer = self._for_body(body)
            receive = _Replay(body, receive)
            scope["headers"] = [header for header in scope["headers"] if header != _FORM]
        if answer is None:
            with bound_contextvars(request_id=request_id.decode()):
                await self._pass_on(scope, receive, send, started, request_id)
            return
        await _respond(send, HTTPStatus.OK, _JSON, answer, request_id)
        _OK[method].inc()
        _FROM_SNAPSHOT.inc()
        metrics.HTTP_DURATION.observe(perf_counter() - started)

    def _is_foreign(self, scope: Scope) -> bool:
        return scope["type"] != "http" or _PASSED in scope or bool(scope["path"].startswith(_INTERNAL))

    def _for_body(self, body: bytes) -> bytes | None:
        """Return the answer to `{"symbol": …, "horizon": …}` of a known symbol; None if it needs a closer look."""
        try:
            request = orjson.loads(body)
            symbol = request.pop("symbol")
            horizon = request.pop("horizon", HORIZONS)
        except (orjson.JSONDecodeError, KeyError, AttributeError, TypeError):
            return None
        if request or type(symbol) is not str or type(horizon) is not int:
            return None
        return self._answer(symbol, horizon)

    def _for_path(self, symbol: str, query: bytes) -> bytes | None:
        """Return the answer to `/forecast/SYMBOL?horizon=…` of a known symbol."""
        if not query:
            return self._answer(symbol, HORIZONS)
        name, _, value = query.partition(b"=")
        plain = name == b"horizon" and value.isdigit() and len(value) <= _DIGITS
        return self._answer(symbol, int(value)) if plain else None

    def _answer(self, symbol: str, horizon: int) -> bytes | None:
        answer = self._serving.answers.get(symbol)
        return answer.body(horizon) if answer is not None and 1 <= horizon <= HORIZONS else None

    async def _refuse(self, send: Send, request_id: bytes) -> None:
        status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        detail = f"the body is larger than {self._serving.max_body} bytes"
        await _respond(send, status, _PROBLEM, problem_body(status, detail), request_id)
        metrics.HTTP_REQUESTS.labels("POST", str(status.value)).inc()

    async def _pass_on(self, scope: Scope, receive: Receive, send: Send, started: float, request_id: bytes) -> None:
        status = HTTPStatus.INTERNAL_SERVER_ERROR.value

        async def watch(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                request_ids.name_in(message, request_id)
            await send(message)

        try:
            await self._app(scope, receive, watch)
        finally:
            method = scope["method"] if scope["method"] in _METHODS else "other"
            took = perf_counter() - started
            metrics.HTTP_REQUESTS.labels(method, str(status)).inc()
            metrics.HTTP_DURATION.observe(took)
            tell = _log.warning if status >= HTTPStatus.INTERNAL_SERVER_ERROR else _log.debug
            tell("answered", method=method, path=scope["path"], status=status, ms=round(1000 * took, 1))


def middlewares() -> list[Middleware]:
    """Return what Ray Serve puts around its HTTP server (`RAY_SERVE_HTTP_PROXY_CALLBACK_IMPORT_PATH`)."""
    return [Middleware(Edge)]


async def _read(scope: Scope, receive: Receive, most: int) -> bytes | None:
    """Return the body, or None as soon as it is known to be too large; never holds more than one chunk beyond."""
    message = await receive()
    body: bytes = message.get("body", b"")
    if not message.get("more_body"):
        return body if len(body) <= most else None
    if _announced(scope) > most:
        return None
    chunks, size = [body], len(body)
    while message.get("more_body"):
        message = await receive()
        chunks.append(message.get("body", b""))
        size += len(chunks[-1])
        if size > most:
            return None
    return b"".join(chunks)


def _announced(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length":
            return int(value)
    return 0


async def _respond(send: Send, status: HTTPStatus, content_type: bytes, body: bytes, request_id: bytes) -> None:
    headers = [
        (b"content-type", content_type),
        (b"content-length", b"%d" % len(body)),
        (request_ids.HEADER, request_id),
    ]
    await send({"type": "http.response.start", "status": status.value, "headers": headers})
    await send({"type": "http.response.body", "body": body})


class _Replay:
    """Gives the application a body that was read already, then what follows it."""

    def __init__(self, body: bytes, receive: Receive) -> None:
        self._body: bytes | None = body
        self._receive = receive

    async def __call__(self) -> Message:
        if self._body is None:
            return await self._receive()
        body, self._body = self._body, None
        return {"type": "http.request", "body": body, "more_body": False}
