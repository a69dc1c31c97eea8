"""Logging in, and what a caller may do."""

from http import HTTPStatus
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request, Response
from fastapi.security import OAuth2PasswordRequestForm

from closecast.telemetry.logs import get_logger
from closecast_predictor.access.guard import CHALLENGE
from closecast_predictor.access.jwks import KeysUnavailableError
from closecast_predictor.access.limits import client_address
from closecast_predictor.access.permissions import ALL
from closecast_predictor.access.tokens import InvalidTokenError
from closecast_predictor.access.users import BusyError, TooManyTriesError
from closecast_predictor.api.errors import RETRY_SOON, ProblemError
from closecast_predictor.api.routes.context import Context, problems
from closecast_predictor.api.schemas.access import AccessAnswer, LoginAnswer

_NOT_STORED: Final = {"Cache-Control": "no-store"}
_EXAMPLE: Final = {"grant_type": "password", "username": "ana", "password": "correct horse battery staple"}
_FORM: Final = {"requestBody": {"content": {"application/x-www-form-urlencoded": {"example": _EXAMPLE}}}}
_log = get_logger(__name__)


def access_routes(context: Context) -> APIRouter:
    """Return the routes of access control."""
    router = APIRouter(tags=["Access"])
    serving = context.serving

    @router.post(
        "/login",
        summary="Log in with name and password",
        responses=problems(401, 404, 413, 422, 429, 503),
        openapi_extra=_FORM,
    )
    async def login(
        request: Request, response: Response, form: Annotated[OAuth2PasswordRequestForm, Depends()]
    ) -> LoginAnswer:
        """Return a short-lived token (OAuth 2 password grant)."""
        guard = serving.guard
        authenticator = guard.authenticator if guard is not None else None
        if guard is None or authenticator is None or authenticator.users is None or authenticator.tokens is None:
            raise ProblemError(HTTPStatus.NOT_FOUND, "there are no users to log in here")
        address = client_address(request.scope, guard.proxies)
        try:
            user = await authenticator.users.log_in(form.username, form.password, address)
        except TooManyTriesError as error:
            _log.warning("login refused, too many tries", address=address)
            retry = {"Retry-After": str(error.retry_after_s)}
            raise ProblemError(HTTPStatus.TOO_MANY_REQUESTS, str(error), headers=retry) from error
        except BusyError as error:
            raise ProblemError(HTTPStatus.SERVICE_UNAVAILABLE, str(error), headers=RETRY_SOON) from error
        if user is None:
            # Not the name: people type their password there.
            _log.warning("login refused", address=address)
            refused = {"WWW-Authenticate": CHALLENGE}
            raise ProblemError(HTTPStatus.UNAUTHORIZED, "name or password is wrong", headers=refused)
        _log.info("logged in", user=user.name, address=address)
        response.headers.update(_NOT_STORED)
        return LoginAnswer(
            access_token=authenticator.tokens.issue(user.name, user.permissions),
            expires_in=authenticator.tokens.lifetime_s,
            scope=" ".join(sorted(user.permissions)),
        )

    @router.get("/access", summary="What is needed, and what the caller may do", responses=problems(503))
    async def access(request: Request, response: Response) -> AccessAnswer:
        """Tell whether a key or a token is needed, and what the one that was sent allows."""
        response.headers.update(_NOT_STORED)
        guard = serving.guard
        if guard is None or guard.authenticator is None:
            return AccessAnswer(auth=False, login=False, scopes=sorted(ALL))
        try:
            caller = await guard.caller(request.scope)
        except InvalidTokenError:
            caller = None
        except KeysUnavailableError as error:
            raise ProblemError(HTTPStatus.SERVICE_UNAVAILABLE, str(error), headers=RETRY_SOON) from error
        scopes = sorted(caller.permissions) if caller is not None else []
        return AccessAnswer(auth=True, login=guard.authenticator.users is not None, scopes=scopes)

    return router
