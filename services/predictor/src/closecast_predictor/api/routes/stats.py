"""How the deployment and its forecasts have fared."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Path, Query

from closecast_predictor.api.errors import ProblemError
from closecast_predictor.api.routes.context import Context, problems
from closecast_predictor.api.schemas.forecasts import RequestedSymbol
from closecast_predictor.api.schemas.stats import StatsAnswer, SymbolStatsAnswer


def stats_routes(context: Context) -> APIRouter:
    """Return the routes of statistics; the forecaster answers, so that every replica says the same."""
    router = APIRouter(tags=["Statistics"])

    @router.get("/stats", summary="Live error, requests, hardware, lag, age of the model", responses=problems(503))
    async def stats() -> StatsAnswer:
        """Return the figures of the whole deployment, whichever replica answers."""
        return StatsAnswer.model_validate(await context.desk.stats())

    @router.get(
        "/stats/{symbol:path}",
        summary="Past forecasts of a symbol against what came",
        responses=problems(404, 422, 503),
    )
    async def stats_of(
        symbol: Annotated[RequestedSymbol, Path()],
        late: Annotated[
            bool, Query(description="Tell of forecasts too that were made after their session had closed, in a replay.")
        ] = False,
    ) -> SymbolStatsAnswer:
        """Return the live error of a symbol, and its past forecasts beside the closes that came."""
        found = await context.desk.stats_of(symbol, late=late)
        if found is None:
            raise ProblemError(HTTPStatus.NOT_FOUND, f"there is no quote of {symbol}", field="symbol")
        return SymbolStatsAnswer.model_validate(found)

    return router
