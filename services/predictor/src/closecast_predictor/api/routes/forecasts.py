"""Forecasts of known symbols and of histories that are sent."""

import asyncio
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from closecast.horizons import HORIZONS
from closecast_predictor import metrics
from closecast_predictor.answers import Answer
from closecast_predictor.api.errors import ProblemError
from closecast_predictor.api.histories import forecast_history, make_calendar
from closecast_predictor.api.routes.context import JSON, Context, problems
from closecast_predictor.api.routes.known import FETCHING, answer_symbol
from closecast_predictor.api.schemas.backfills import FETCH
from closecast_predictor.api.schemas.forecasts import PredictAnswer, PredictRequest, RequestedSymbol
from closecast_predictor.api.uploads.route import UPLOADS, upload_route
from closecast_predictor.inference import forecast_window


def forecast_routes(context: Context) -> APIRouter:
    """Return the routes of forecasts."""
    router = APIRouter(tags=["Forecasts"], route_class=upload_route(context.max_history))

    async def looking_back(symbol: str, sessions: int, horizon: int) -> Response:
        model = (await context.require_snapshot()).of(symbol)
        if sessions > context.sessions:
            raise ProblemError(
                HTTPStatus.UNPROCESSABLE_ENTITY, f"at most {context.sessions} are kept", field="lookback_days"
            )
        window = await context.window(symbol, sessions)
        forecast = await asyncio.to_thread(forecast_window, model, window)
        metrics.PREDICTIONS.labels("lookback").inc()
        return Response(Answer.of(forecast, len(window)).body(horizon), media_type=JSON)

    @router.post(
        "/predict",
        summary="Forecast a symbol or a history",
        response_model=PredictAnswer,
        responses=FETCHING | problems(404, 413, 422, 503),
        openapi_extra=UPLOADS,
    )
    async def predict(request: PredictRequest) -> Response:
        """Answer from the latest quotes of a symbol, or from the sessions that the request brings, as JSON or CSV."""
        if request.history is None:
            assert request.symbol is not None  # noqa: S101 - checked by the schema
            if request.lookback_days is not None and request.symbol in context.serving.answers:
                return await looking_back(request.symbol, request.lookback_days, request.horizon)
            return await answer_symbol(context, request.symbol, request.horizon, fetch=request.fetch)
        model = (await context.require_snapshot()).of(request.symbol)
        await make_calendar(request.symbol)
        # A forecast takes about a millisecond: in a thread it would take twice that, and would not count as busy.
        answer = forecast_history(model, request.history, request.symbol, request.horizon, context.max_history)
        metrics.PREDICTIONS.labels("history").inc()
        return Response(answer.model_dump_json(), media_type=JSON)

    @router.get(
        "/forecast/{symbol:path}",
        summary="Forecast a symbol",
        response_model=PredictAnswer,
        responses=FETCHING | problems(404, 422, 503),
    )
    async def forecast(
        symbol: Annotated[RequestedSymbol, Path()],
        horizon: Annotated[int, Query(ge=1, le=HORIZONS, description="Sessions ahead.")] = HORIZONS,
        fetch: Annotated[bool, Query(description=FETCH)] = False,
    ) -> Response:
        """Answer from the latest quotes of a symbol."""
        return await answer_symbol(context, symbol, horizon, fetch=fetch)

    return router
