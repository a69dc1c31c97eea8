"""Forecasts by the name of a company."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query, Response

from closecast.horizons import HORIZONS
from closecast_predictor.api.errors import ProblemError
from closecast_predictor.api.routes.context import Context, problems
from closecast_predictor.api.routes.known import FETCHING, answer_symbol
from closecast_predictor.api.schemas.backfills import FETCH
from closecast_predictor.api.schemas.companies import Company, CompanyRequest
from closecast_predictor.api.schemas.forecasts import PredictAnswer
from closecast_predictor.companies import UnknownCompanyError


def company_routes(context: Context) -> APIRouter:
    """Return the routes of companies."""
    router = APIRouter(tags=["Forecasts"])

    async def answer(company: str, horizon: int, *, fetch: bool) -> Response:
        try:
            symbol = context.companies.symbol_of(company)
        except UnknownCompanyError as error:
            raise ProblemError(HTTPStatus.NOT_FOUND, str(error), field="company") from error
        return await answer_symbol(context, symbol, horizon, fetch=fetch)

    @router.get(
        "/predict_b3",
        summary="Forecast a company of B3",
        response_model=PredictAnswer,
        responses=FETCHING | problems(404, 422, 503),
    )
    async def by_query(
        company: Annotated[Company, Query()],
        horizon: Annotated[int, Query(ge=1, le=HORIZONS, description="Sessions ahead.")] = HORIZONS,
        fetch: Annotated[bool, Query(description=FETCH)] = False,
    ) -> Response:
        """Answer from the latest quotes of one of the largest companies of B3, by its name or ticker."""
        return await answer(company, horizon, fetch=fetch)

    @router.post(
        "/predict_b3",
        summary="Forecast a company of B3",
        response_model=PredictAnswer,
        responses=FETCHING | problems(404, 413, 422, 503),
    )
    async def by_body(request: CompanyRequest) -> Response:
        """Answer from the latest quotes of one of the largest companies of B3, by its name or ticker."""
        return await answer(request.company, request.horizon, fetch=request.fetch)

    return router
