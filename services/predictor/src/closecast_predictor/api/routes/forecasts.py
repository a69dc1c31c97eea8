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
from closecast_predictor.api.speaking import model_for
from closecast_predictor.api.uploads.route import UPLOADS, upload_route
from closecast_predictor.inference import forecast_window
from closecast_predictor.snapshot import Model


def forecast_routes(context: Context) -> APIRouter:
    """Return the routes of forecasts."""
    router = APIRouter(tags=["Forecasts"], route_class=upload_route(context.serving.max_history))

    async def anew(model: Model, symbol: str, sessions: int | None, horizon: int) -> Response:
        """Forecast a symbol as it was asked for: from so many sessions, or by another model than speaks for it."""
        if sessions is not None and sessions > context.sessions:
            raise ProblemError(
                HTTPStatus.UNPROCESSABLE_ENTITY, f"at most {context.sessions} are kept", field="lookback_days"
            )
        window = await context.window(symbol, sessions or context.sessions)
        forecast = await asyncio.to_thread(forecast_window, model, window)
        metrics.PREDICTIONS.labels("window").inc()
        return Response(Answer.of(forecast, sessions and len(window)).body(horizon), media_type=JSON)

    @router.post(
        "/predict",
        summary="Forecast a symbol or a history",
        response_model=PredictAnswer,
        responses=FETCHING | problems(404, 413, 422, 503),
        openapi_extra=UPLOADS,
    )
    async def predict(request: PredictRequest) -> Response:
        """Answer from the latest quotes of a symbol, or from the sessions that the request brings, as JSON or CSV."""
        models = await context.require_snapshot()
        model = model_for(models, request.symbol, request.model_name)
        if request.history is None:
            assert request.symbol is not None  # noqa: S101 - checked by the schema
            is_ready_made = request.lookback_days is None and model is models.of(request.symbol)
            if is_ready_made or request.symbol not in context.serving.answers:
                return await answer_symbol(context, request.symbol, request.horizon, fetch=request.fetch)
            return await anew(model, request.symbol, request.lookback_days, request.horizon)
        await make_calendar(request.symbol)
        # A forecast takes about a millisecond: in a thread it would take twice that, and would not count as busy.
        answer = forecast_history(model, request.history, request.symbol, request.horizon, context.serving.max_history)
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
