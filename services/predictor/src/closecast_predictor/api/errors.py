"""Errors as problem documents (RFC 9457)."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, Final

import orjson
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from closecast.telemetry.logs import get_logger

PROBLEM_TYPE: Final = "application/problem+json"
PROBLEM_SCHEMA: Final = {"$ref": "#/components/schemas/Problem"}
"""How the OpenAPI document refers to a problem document; `problem_schemas` are to be in it."""

RETRY_SOON: Final = {"Retry-After": "2"}
"""Of an answer that may be another at the next try."""

_TOLD: Final = 20
"""Faults that are told of at most: a history may have thousands."""

_BRANCHES: Final = ("rows", "closes")
"""Names of the shapes that a history may have; pydantic puts them into the path of a fault."""

_log = get_logger(__name__)


class FieldError(BaseModel):
    """What is wrong with one field."""

    field: str = Field(description="Path of the field, such as history.3.close.", examples=["horizon"])
    reason: str = Field(examples=["Input should be less than or equal to 10"])


class Problem(BaseModel):
    """A problem document (RFC 9457)."""

    type: str = Field(default="about:blank", description="Kind of problem; about:blank where the title says it all.")
    title: str = Field(examples=["Unprocessable Entity"])
    status: int = Field(examples=[422])
    detail: str = Field(examples=["horizon: Input should be less than or equal to 10"])
    errors: list[FieldError] = Field(default_factory=list, description="The fields that are at fault.")


class ProblemError(Exception):
    """Ends a request with a problem document.

    Args:
        status: HTTP status.
        detail: What is wrong, in a sentence.
        field: The field at fault, if one is.
        headers: Further headers of the answer.
    """

    def __init__(
        self, status: HTTPStatus, detail: str, *, field: str | None = None, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.errors = [] if field is None else [FieldError(field=field, reason=detail)]
        self.detail = detail if field is None else f"{field}: {detail}"
        self.headers = headers


def problem_schemas() -> dict[str, Any]:
    """Return the schemas of problem documents, for the components of the OpenAPI document."""
    schema = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    parts: dict[str, Any] = schema.pop("$defs")
    return parts | {Problem.__name__: schema}


def problem_body(status: int, detail: str, errors: Sequence[FieldError] = ()) -> bytes:
    """Return a problem document as JSON."""
    problem = Problem(title=HTTPStatus(status).phrase, status=status, detail=detail, errors=list(errors))
    return orjson.dumps(problem.model_dump())


def problem_response(
    status: int, detail: str, errors: Sequence[FieldError] = (), headers: dict[str, str] | None = None
) -> Response:
    """Return a problem document as a response."""
    return Response(problem_body(status, detail, errors), status, headers=headers, media_type=PROBLEM_TYPE)


def handle_errors(app: FastAPI) -> None:
    """Answer every error of an application with a problem document."""

    @app.exception_handler(ProblemError)
    async def problem(_request: Request, error: ProblemError) -> Response:
        return problem_response(error.status, error.detail, error.errors, error.headers)

    @app.exception_handler(RequestValidationError)
    async def invalid(_request: Request, error: RequestValidationError) -> Response:
        faults = field_errors(error)
        detail = "; ".join(f"{fault.field}: {fault.reason}" for fault in faults)
        return problem_response(HTTPStatus.UNPROCESSABLE_ENTITY, detail, faults)

    @app.exception_handler(HTTPException)
    async def refused(_request: Request, error: HTTPException) -> Response:
        return problem_response(error.status_code, str(error.detail), headers=dict(error.headers or {}))

    @app.exception_handler(Exception)
    async def unexpected(request: Request, error: Exception) -> Response:
        _log.error("request failed", path=request.url.path, exc_info=error)
        return problem_response(HTTPStatus.INTERNAL_SERVER_ERROR, "something went wrong here; the log tells what")


def field_errors(error: RequestValidationError) -> list[FieldError]:
    """Return what is wrong with a request, as far as it is told."""
    return [_field_error(fault) for fault in error.errors()[:_TOLD]]


def _field_error(fault: dict[str, Any]) -> FieldError:
    where = list(fault["loc"])
    if fault["type"] == "json_invalid":
        return FieldError(field="body", reason=f"is no JSON: {fault.get('ctx', {}).get('error', '')}")
    # FastAPI puts first which part of the request it is.
    path = [str(part) for part in where[1:] if part not in _BRANCHES] or [str(where[0])]
    return FieldError(field=".".join(path), reason=str(fault["msg"]).removeprefix("Value error, "))
