"""The outermost layer of HTTP: bounds bodies, answers known symbols from ready-made bytes, forecasts histories, counts.

In HAProxy mode Ray Serve's replicas take requests from HAProxy directly, and this layer is the middleware of their
HTTP server (`middlewares`): what it answers costs none of Serve's own request path, which takes two thirds of the time
of such a request. In Serve's other modes it runs inside the deployment, where it does the same.
"""

from http import HTTPStatus
from itertools import product
from time import perf_counter
from typing import Final

import orjson
from starlette.middleware import Middleware
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bound_contextvars

from closecast.horizons import HORIZONS
from closecast.telemetry.logs import get_logger
from closecast_predictor import metrics
from closecast_predictor.api import request_ids
from closecast_predictor.api.bodies import Bodies, Replay
from closecast_predictor.api.edge_histories import EdgeHistories
from closecast_predictor.api.pressure import Backpressure, refuse_flood
from closecast_predictor.api.serving import SERVING, Serving
from closecast_predictor.api.whole_answers import send_whole_answers

_PASSED: Final = "closecast.edge"
_PREDICT: Final = "/predict"
_FORECAST: Final = "/forecast/"
_LOGIN: Final = "/login"
_INTERNAL: Final = frozenset({"/-/healthz", "/-/routes"})
"""What Ray Serve answers itself, HAProxy's health checks among it."""

_LONGEST_QUESTION: Final = 256
"""Bytes of a question about a known symbol; what is longer brings a history, which need not be read twice."""

_DIGITS: Final = len(str(HORIZONS))
_JSON: Final = b"application/json"
_FORM: Final = (b"content-type", b"application/x-www-form-urlencoded")
"""What `curl -d` says of any body unless it is told otherwise; nothing but the login takes such forms."""
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_FROM_SNAPSHOT: Final = metrics.PREDICTIONS.labels("snapshot")
_log = get_logger(__name__)

_COUNTED: Final = ("GET", "POST")
_OK: Final = {method: metrics.HTTP_REQUESTS.labels(method, "200") for method in _COUNTED}
for _method, _status in product(_COUNTED, ("500", "503")):
    # The first failure is an increase only of a series that was there before.
    metrics.HTTP_REQUESTS.labels(_method, _status)


class Edge:
    """ASGI middleware; a request that has passed one edge is left alone by those inside.

    Args:
        app: Answers whatever is not answered here.
        serving: The forecasts, and the largest body.
    """

    def __init__(self, app: ASGIApp, serving: Serving = SERVING) -> None:
        self._app = app
        self._bounded = Backpressure(app, serving)
        self._bodies = Bodies(serving)
        self._histories = EdgeHistories(serving)
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
        guard, answer = self._serving.guard, None
        refusal = refuse_flood(scope)
        if guard is not None and refusal is None:
            send = guard.dress(scope, send)
            refusal = await guard.check(scope)
        if refusal is None and method == "GET":
            answer = self._for_path(path, scope["query_string"])
        elif refusal is None and method == "POST":
            body = await self._bodies.read(scope, receive)
            if isinstance(body, Response):
                refusal = body
            else:
                answer = await self._for_body(scope, body) if path == _PREDICT else None
                receive = Replay(body, receive)
                scope["headers"] = _without_form(scope)
        if answer is None:
            with bound_contextvars(request_id=request_id.decode()):
                app = refusal or self._bounded
                await self._pass_on(app, scope, receive, send, started=started, request_id=request_id)
            return
        await _respond(send, HTTPStatus.OK, _JSON, answer, request_id)
        _OK[method].inc()
        metrics.HTTP_DURATION.observe(perf_counter() - started)

    def _is_foreign(self, scope: Scope) -> bool:
        return scope["type"] != "http" or _PASSED in scope or scope["path"] in _INTERNAL

    async def _for_body(self, scope: Scope, body: bytes) -> bytes | None:
        """Return the answer to `POST /predict`; None if it needs a closer look."""
        if len(body) <= _LONGEST_QUESTION:
            return self._for_question(body)
        if self._bounded.is_full:
            return None
        with self._bounded.counted():
            return await self._histories.answer(scope, body)

    def _for_question(self, body: bytes) -> bytes | None:
        """Return the answer to `{"symbol": …, "horizon": …}` of a known symbol."""
        try:
            request = orjson.loads(body)
            symbol = request.pop("symbol")
            horizon = request.pop("horizon", HORIZONS)
        except (orjson.JSONDecodeError, KeyError, AttributeError, TypeError):
            return None
        if request or type(symbol) is not str or type(horizon) is not int:
            return None
        return self._answer(symbol, horizon)

    def _for_path(self, path: str, query: bytes) -> bytes | None:
        """Return the answer to `/forecast/SYMBOL?horizon=…` of a known symbol."""
        if not path.startswith(_FORECAST):
            return None
        symbol = path[len(_FORECAST) :]
        if not query:
            return self._answer(symbol, HORIZONS)
        name, _, value = query.partition(b"=")
        plain = name == b"horizon" and value.isdigit() and len(value) <= _DIGITS
        return self._answer(symbol, int(value)) if plain else None

    def _answer(self, symbol: str, horizon: int) -> bytes | None:
        answer = self._serving.answers.get(symbol)
        if answer is None or not 1 <= horizon <= HORIZONS:
            return None
        _FROM_SNAPSHOT.inc()
        return answer.body(horizon)

    async def _pass_on(
        self, app: ASGIApp, scope: Scope, receive: Receive, send: Send, *, started: float, request_id: bytes
    ) -> None:
        status = HTTPStatus.INTERNAL_SERVER_ERROR.value

        async def watch(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = int(message["status"])  # an HTTPStatus is written as its name on a console
                request_ids.name_in(message, request_id)
            await send(message)

        try:
            await app(scope, receive, watch)
        finally:
            method = scope["method"] if scope["method"] in _METHODS else "other"
            took = perf_counter() - started
            metrics.HTTP_REQUESTS.labels(method, str(status)).inc()
            metrics.HTTP_DURATION.observe(took)
            tell = _log.warning if status >= HTTPStatus.INTERNAL_SERVER_ERROR else _log.debug
            tell("answered", method=method, path=scope["path"], status=status, ms=round(1000 * took, 1))


def middlewares() -> list[Middleware]:
    """Return what Ray Serve puts around its HTTP server (`RAY_SERVE_HTTP_PROXY_CALLBACK_IMPORT_PATH`)."""
    send_whole_answers()
    return [Middleware(Edge)]


async def _respond(send: Send, status: HTTPStatus, content_type: bytes, body: bytes, request_id: bytes) -> None:
    headers = [
        (b"content-type", content_type),
        (b"content-length", b"%d" % len(body)),
        (request_ids.HEADER, request_id),
    ]
    await send({"type": "http.response.start", "status": status.value, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _without_form(scope: Scope) -> list[tuple[bytes, bytes]]:
    headers: list[tuple[bytes, bytes]] = scope["headers"]
    return headers if scope["path"] == _LOGIN else [header for header in headers if header != _FORM]
