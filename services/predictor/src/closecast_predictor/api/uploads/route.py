"""Routes that take CSV where they take JSON: a body of text/csv, or a file in a form."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from http import HTTPStatus
from typing import Any, Final

import orjson
from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.datastructures import Headers, UploadFile
from starlette.types import Scope

from closecast.horizons import HORIZONS
from closecast_predictor.api.errors import ProblemError
from closecast_predictor.api.schemas.forecasts import EXAMPLE_CLOSES, FEWEST_SESSIONS
from closecast_predictor.api.schemas.histories import History
from closecast_predictor.api.uploads.cells import InvalidCsvError
from closecast_predictor.api.uploads.histories import read_csv

CSV: Final = "text/csv"
FORM: Final = "multipart/form-data"
_EXAMPLE_FILE: Final = "Close\n" + "".join(f"{close:.2f}\n" for close in EXAMPLE_CLOSES)
_FILE: Final = "file"
_HISTORY: Final = "history"
_MOST_FIELDS: Final = 16
_LARGEST_FIELD: Final = 1024
SHORT_FILE: Final = 2**16
_NUMBERS: Final = frozenset({"horizon"})

_SYMBOL: Final = {
    "description": "Whose quotes they are; its exchange tells the sessions that follow.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 18},
    "example": "PETR4.SA",
}
_HORIZON: Final = {
    "description": "Sessions ahead.",
    "schema": {"type": "integer", "minimum": 1, "maximum": HORIZONS, "default": HORIZONS},
}
_CSV_SCHEMA: Final = {
    "type": "string",
    "description": "Columns Close (or Fechamento, Último, Adj Close), Date (or Data), Open, High, Low and Volume, of "
    f"{FEWEST_SESSIONS} sessions or more in any order; decimal points or commas, dates as 2025-06-16 or 16/06/2025.",
}
UPLOADS: Final[dict[str, Any]] = {
    "parameters": [
        {"name": "symbol", "in": "query", **_SYMBOL, "description": "With a body of text/csv: whose quotes they are."},
        {"name": "horizon", "in": "query", **_HORIZON, "description": "With a body of text/csv: sessions ahead."},
    ],
    "requestBody": {
        "content": {
            CSV: {"schema": _CSV_SCHEMA, "example": _EXAMPLE_FILE},
            FORM: {
                "schema": {
                    "type": "object",
                    "required": [_FILE],
                    "properties": {
                        _FILE: _CSV_SCHEMA | {"contentMediaType": CSV, "format": "binary"},
                        "symbol": _SYMBOL["schema"],
                        "horizon": _HORIZON["schema"],
                    },
                },
                "example": {_FILE: _EXAMPLE_FILE, "symbol": "PETR4.SA", "horizon": 5},
            },
        }
    },
}
"""What OpenAPI shows of a route that takes CSV too."""


def upload_route(most_sessions: int) -> type[APIRoute]:
    """Return a class of routes that take CSV where they take JSON: its columns become the field `history`.

    The other fields come from the query with a body of text/csv, from the form with a file in the field `file`. The
    edge has bounded the body already, and with it what a form may put into temporary files.

    Args:
        most_sessions: Sessions above which a file is refused.
    """

    class UploadRoute(APIRoute):
        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            answer = super().get_route_handler()

            async def read_and_answer(request: Request) -> Response:
                kind = kind_of(request.headers)
                if kind == CSV:
                    fields, file, part = dict(request.query_params), await request.body(), "body"
                elif kind == FORM:
                    fields, file = await _read_form(request)
                    part = _FILE
                else:
                    return await answer(_JsonRequest(request.scope, request.receive))
                read = await _with_file(fields, file, part, most_sessions)
                return await answer(_with_fields(request, read))

            return read_and_answer

    return UploadRoute


class _JsonRequest(Request):
    async def json(self) -> Any:  # noqa: ANN401 - as in the class above
        """Return the body, which orjson reads four times as fast as what FastAPI reads it with."""
        return orjson.loads(await self.body())


class _ReadRequest(Request):
    """A request whose fields were read already; FastAPI validates them as it does those of JSON."""

    def __init__(self, scope: Scope, fields: dict[str, Any]) -> None:
        super().__init__(scope)
        self._fields = fields

    async def body(self) -> bytes:
        return b"read"

    async def json(self) -> dict[str, Any]:
        return self._fields


async def _read_form(request: Request) -> tuple[dict[str, str], bytes]:
    async with request.form(max_files=1, max_fields=_MOST_FIELDS, max_part_size=_LARGEST_FIELD) as form:
        file = form.get(_FILE)
        if not isinstance(file, UploadFile):
            raise _refused(_FILE, "is missing from the form")
        fields = {name: value for name, value in form.items() if isinstance(value, str)}
        return fields, await file.read()


async def _with_file(fields: dict[str, str], file: bytes, part: str, most_sessions: int) -> dict[str, Any]:
    try:
        # A short file is read in less time than a thread takes to begin.
        short = len(file) <= SHORT_FILE
        history = read_csv(file, most_sessions) if short else await asyncio.to_thread(read_csv, file, most_sessions)
    except InvalidCsvError as error:
        raise _refused(part, str(error)) from error
    return with_history(fields, history)


def kind_of(headers: Headers) -> str:
    """Return the media type that a request says its body is of, without parameters; empty if it does not say."""
    return headers.get("content-type", "").partition(";")[0].strip().lower()


def with_history(fields: Mapping[str, str], history: History) -> dict[str, Any]:
    """Return the fields of a request whose history came as a file.

    Args:
        fields: The others, as a query or a form has them.
        history: What the file says.

    Raises:
        ProblemError: If there is a field of that name already.
    """
    if _HISTORY in fields:
        raise _refused(_HISTORY, "comes from the file")
    return {name: _value(name, text) for name, text in fields.items()} | {_HISTORY: history}


def _value(name: str, text: str) -> str | int:
    """Return a field as JSON has it; a text that is no number is left to be refused with its name."""
    return int(text) if name in _NUMBERS and text.isascii() and text.isdigit() and len(text) <= 9 else text  # noqa: PLR2004


def _with_fields(request: Request, fields: dict[str, Any]) -> Request:
    others = [header for header in request.scope["headers"] if header[0] not in {b"content-type", b"content-length"}]
    headers = [*others, (b"content-type", b"application/json")]
    return _ReadRequest({**request.scope, "headers": headers}, fields)


def _refused(field: str, reason: str) -> ProblemError:
    return ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, reason, field=field)
