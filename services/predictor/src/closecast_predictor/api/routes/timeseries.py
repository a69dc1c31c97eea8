"""KServe's time-series protocol, and the health checks of its model servers."""

import asyncio
from collections.abc import Callable, Coroutine
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from closecast.mlflow_settings import DEFAULT_MODEL
from closecast_predictor import metrics
from closecast_predictor.api.errors import FieldError, ProblemError, field_errors
from closecast_predictor.api.routes.context import JSON, Context, problems
from closecast_predictor.api.schemas.timeseries import (
    ErrorResponse,
    ForecastRequest,
    ForecastResponse,
    ProtocolError,
    ServerLive,
    ServerReady,
)
from closecast_predictor.api.timeseries import forecast_series

_ERRORS = {
    400: "The body cannot be taken apart.",
    404: "There is no such model.",
    422: "A field is missing or out of bounds.",
    503: "Not ready yet; try again.",
}


def timeseries_routes(context: Context) -> APIRouter:
    """Return the routes of KServe's time-series protocol."""
    router = APIRouter(tags=["KServe"], route_class=_ProtocolRoute)

    @router.get(
        "/v1/timeseries/models",
        summary="Names of the models that forecast series",
        responses={200: {"content": {JSON: {"example": [DEFAULT_MODEL]}}}},
    )
    async def models() -> list[str]:
        """Return the model that `POST /v1/timeseries/forecast` takes."""
        return [context.model]

    @router.post(
        "/v1/timeseries/forecast", summary="Forecast some series", responses=problems(413) | _errors(400, 404, 422, 503)
    )
    async def forecast(request: ForecastRequest) -> ForecastResponse:
        """Forecast series of daily closes, each for itself, with the model that speaks at present."""
        if request.model != context.model:
            detail = f"there is no model {request.model!r}; {context.model!r} is"
            raise ProblemError(HTTPStatus.NOT_FOUND, detail, field="model")
        model = (await context.require_snapshot()).panel
        answer = await asyncio.to_thread(forecast_series, model, request, context.serving.max_history)
        metrics.PREDICTIONS.labels("series").inc(len(request.inputs))
        return answer

    @router.get("/v2/health/live", summary="Whether the process lives")
    async def live() -> ServerLive:
        """Answer as long as the process lives."""
        return ServerLive()

    @router.get("/v2/health/ready", summary="Whether forecasts can be answered", responses=_errors(503))
    async def ready() -> ServerReady:
        """Answer 503, and what is missing, until the first forecasts are there."""
        await context.require_snapshot()
        return ServerReady()

    return router


class _ProtocolRoute(APIRoute):
    """A route whose errors are those of KServe's servers in place of problem documents."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_and_tell(request: Request) -> Response:
            try:
                return await handle(request)
            except RequestValidationError as error:
                return _error_response(HTTPStatus.UNPROCESSABLE_ENTITY, field_errors(error))
            except HTTPException as error:
                return _error_response(HTTPStatus(error.status_code), [FieldError(field="body", reason=error.detail)])
            except ProblemError as error:
                faults = error.errors or [FieldError(field="", reason=error.detail)]
                return _error_response(error.status, faults, error.headers)

        return handle_and_tell


def _error_response(status: HTTPStatus, faults: list[FieldError], headers: dict[str, str] | None = None) -> Response:
    first = faults[0]
    error = ProtocolError(code=str(status.value), message=first.reason, param=first.field, type=status.name.lower())
    return Response(ErrorResponse(error=error).model_dump_json(), status, headers=headers, media_type=JSON)


def _errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return what OpenAPI shows for these statuses; a replica that is too busy answers with a problem document."""
    shown: dict[int | str, dict[str, Any]] = {
        status: {"description": _ERRORS[status], "model": ErrorResponse} for status in statuses
    }
    shown[503]["content"] = problems(503)[503]["content"]
    return shown
