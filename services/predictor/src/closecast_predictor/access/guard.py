"""The one place where a request is let in or refused, before anything else looks at it."""

from functools import partial
from http import HTTPStatus
from typing import Final

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from closecast.telemetry.logs import get_logger
from closecast_predictor.access.authenticator import Authenticator, Caller
from closecast_predictor.access.jwks import KeysUnavailableError
from closecast_predictor.access.limits import RateLimit, client_address
from closecast_predictor.access.permissions import ALL, OPEN, Permission, permission_of
from closecast_predictor.access.tokens import InvalidTokenError
from closecast_predictor.api.errors import problem_response

_AUTHORIZATION: Final = b"authorization"
CHALLENGE: Final = 'Bearer realm="closecast"'
_RETRY_S: Final = 5
_PREFLIGHT: Final = "access-control-request-method"

_log = get_logger(__name__)


class Guard:
    """Checks who calls, whether they may, and how often they did.

    Args:
        authenticator: None lets everybody do everything.
        rate_limit: For each caller, or for each address where callers are not known.
        origins: Origins (scheme, host and port) of pages that browsers let call.
        proxies: See `limits.client_address`.
    """

    def __init__(
        self,
        authenticator: Authenticator | None = None,
        rate_limit: RateLimit | None = None,
        origins: tuple[str, ...] = (),
        proxies: int = 0,
    ) -> None:
        self.authenticator = authenticator
        self.proxies = proxies
        self._rate_limit = rate_limit
        self._cors = _cors(origins) if origins else None

    async def check(self, scope: Scope) -> Response | None:
        """Return what answers the request in place of its route, None if the request may pass."""
        if self._cors is not None and scope["method"] == "OPTIONS":
            headers = Headers(scope=scope)
            if "origin" in headers and _PREFLIGHT in headers:
                return self._cors.preflight_response(headers)
        needed = permission_of(scope["method"], scope["path"])
        if needed is OPEN:
            return None
        try:
            caller = await self.caller(scope)
        except InvalidTokenError as error:
            return _unauthorized(str(error), "invalid_token")
        except KeysUnavailableError as error:
            return problem_response(HTTPStatus.SERVICE_UNAVAILABLE, str(error), headers=_retry(_RETRY_S))
        return self._judge(scope, caller, needed)

    async def caller(self, scope: Scope) -> Caller | None:
        """Return who sends a request, None for somebody without key or token.

        Raises:
            InvalidTokenError: If what they show opens nothing.
            KeysUnavailableError: If that cannot be known now.
        """
        if self.authenticator is None:
            return Caller(f"address:{client_address(scope, self.proxies)}", ALL)
        for name, value in scope["headers"]:
            if name == _AUTHORIZATION:
                return await self.authenticator.caller(value)
        return None

    def dress(self, scope: Scope, send: Send) -> Send:
        """Return a `send` that tells browsers whether a page of another origin may read the answer."""
        return send if self._cors is None else partial(self._cors.send, send=send, request_headers=Headers(scope=scope))

    def _judge(self, scope: Scope, caller: Caller | None, needed: Permission) -> Response | None:
        if caller is None:
            return _unauthorized("this needs a key or a token in the header Authorization: Bearer …")
        if needed not in caller.permissions:
            return _forbidden(needed)
        wait_s = 0 if self._rate_limit is None else self._rate_limit.wait_s(caller.name)
        if wait_s:
            detail = f"too many requests: {self._rate_limit} may be sent"
            return problem_response(HTTPStatus.TOO_MANY_REQUESTS, detail, headers=_retry(wait_s))
        if needed is not Permission.PREDICT and self.authenticator is not None:
            request_id = Headers(scope=scope).get("x-request-id")
            _log.info("let in", caller=caller.name, method=scope["method"], path=scope["path"], request_id=request_id)
        return None


def _unauthorized(detail: str, error: str | None = None) -> Response:
    # RFC 6750: no error is named to somebody who came without a key or a token.
    challenge = f'{CHALLENGE}, error="{error}"' if error else CHALLENGE
    return problem_response(HTTPStatus.UNAUTHORIZED, detail, headers={"WWW-Authenticate": challenge})


def _forbidden(needed: Permission) -> Response:
    challenge = f'{CHALLENGE}, error="insufficient_scope", scope="{needed}"'
    detail = f"this needs the scope {needed}"
    return problem_response(HTTPStatus.FORBIDDEN, detail, headers={"WWW-Authenticate": challenge})


def _retry(seconds: int) -> dict[str, str]:
    return {"Retry-After": str(seconds)}


def _cors(origins: tuple[str, ...]) -> CORSMiddleware:
    async def nothing(_scope: Scope, _receive: Receive, _send: Send) -> None:
        """Take no request: only what the middleware says of preflights and answers is used."""

    return CORSMiddleware(
        nothing,
        allow_origins=origins,
        allow_methods=("GET", "POST"),
        allow_headers=("Authorization", "X-Request-ID"),
        expose_headers=("Location", "Retry-After", "X-Request-ID"),
    )
