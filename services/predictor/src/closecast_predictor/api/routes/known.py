"""Answers for one symbol: its forecast, or what becomes of it where there are no quotes."""

import math
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote

from fastapi import Response

from closecast_predictor import metrics
from closecast_predictor.api.desk import ForecasterUnavailableError
from closecast_predictor.api.errors import RETRY_SOON, ProblemError
from closecast_predictor.api.routes.context import JSON, Context
from closecast_predictor.api.schemas.backfills import FetchAnswer
from closecast_predictor.backfills import Backfill

FETCHING: Final[dict[int | str, dict[str, Any]]] = {
    202: {
        "model": FetchAnswer,
        "description": "There are no quotes yet, they are being fetched; the forecast appears at `Location`.",
        "headers": {
            "Location": {"description": "Where the forecast appears.", "schema": {"type": "string"}},
            "Retry-After": {"description": "Seconds until it is worth a look.", "schema": {"type": "integer"}},
        },
    }
}
"""What OpenAPI shows of the answers of `answer_symbol` beside the forecast."""


async def answer_symbol(context: Context, symbol: str, horizon: int, *, fetch: bool) -> Response:
    """Return the forecast of a symbol, or that its quotes are being fetched.

    Args:
        context: What routes answer from.
        symbol: Canonical symbol.
        horizon: Sessions ahead.
        fetch: Whether quotes are to be fetched if there are none.

    Raises:
        ProblemError: If there are none and none are coming; it tells why.
    """
    answer = context.serving.answers.get(symbol)
    if answer is None:
        return await without_quotes(context, symbol, fetch=fetch)
    metrics.PREDICTIONS.labels("snapshot").inc()
    return Response(answer.body(horizon), media_type=JSON)


async def without_quotes(context: Context, symbol: str, *, fetch: bool) -> Response:
    """Return that the quotes of a symbol are being fetched.

    Raises:
        ProblemError: If they are not; it tells why.
    """
    await context.require_snapshot()
    found = await _backfill(context, symbol, fetch=fetch or context.fetch)
    if found is None:
        detail = f"there is no quote of {symbol}; ask with fetch=true to have its quotes fetched"
        raise ProblemError(HTTPStatus.NOT_FOUND, detail, field="symbol")
    if found.state == "unavailable":
        raise ProblemError(HTTPStatus.NOT_FOUND, f"there is no quote of {symbol}: {found.reason}", field="symbol")
    if found.state == "failed":
        wait_s = max(1, math.ceil((found.stands_until - datetime.now(UTC)).total_seconds()))
        detail = f"the quotes of {symbol} could not be fetched: {found.reason}"
        raise ProblemError(HTTPStatus.SERVICE_UNAVAILABLE, detail, headers={"Retry-After": str(wait_s)})
    assert found.request_id is not None  # noqa: S101 - something fetches
    location = f"/forecast/{quote(symbol, safe='')}"
    body = FetchAnswer(symbol=symbol, id=found.request_id, since=found.since, location=location)
    headers = {"Location": location, **RETRY_SOON}
    return Response(body.model_dump_json(), HTTPStatus.ACCEPTED, headers=headers, media_type=JSON)


async def _backfill(context: Context, symbol: str, *, fetch: bool) -> Backfill | None:
    try:
        return await (context.desk.request_backfill(symbol) if fetch else context.desk.backfill(symbol))
    except ForecasterUnavailableError:
        if fetch:
            raise
        return None
