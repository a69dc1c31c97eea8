"""The HTTP application: every route, validated; known symbols are answered before it, by the edge."""

import asyncio
from dataclasses import asdict
from http import HTTPStatus
from typing import Annotated, Any, Final, NoReturn
from uuid import UUID

from fastapi import FastAPI, Path, Query, Response
from fastapi.openapi.utils import get_openapi
from fastapi_offline import FastAPIOffline
from prometheus_client import CONTENT_TYPE_LATEST

from closecast.events import TrainingRequest
from closecast.horizons import HORIZONS
from closecast.mlflow_settings import DEFAULT_MODEL
from closecast_predictor import metrics
from closecast_predictor.api.desk import Desk, ForecasterUnavailableError
from closecast_predictor.api.errors import Problem, ProblemError, handle_errors
from closecast_predictor.api.histories import forecast_history
from closecast_predictor.api.schemas import (
    HealthAnswer,
    PredictAnswer,
    PredictRequest,
    ReadyAnswer,
    RequestedSymbol,
    TrainingAnswer,
    TrainRequest,
)
from closecast_predictor.api.serving import Serving
from closecast_predictor.snapshot import Model

_JSON: Final = "application/json"
_RETRY: Final = {"Retry-After": "2"}
_DESCRIPTION: Final = """
Forecasts of the daily close of listed stocks, up to 10 sessions ahead, with intervals.
Every answer says which model spoke and how it fares against "the close stays where it is" (`skill`).
Errors are problem documents (RFC 9457) that name the field at fault.
"""
_PROBLEMS: Final[dict[int, str]] = {
    404: "There is no quote of the symbol, or no such training request.",
    413: "The body is too large.",
    422: "A field is missing, unknown or out of bounds.",
    503: "Not ready yet, or the forecaster cannot be reached; try again.",
}


def build_app(serving: Serving, desk: Desk, *, max_history: int, model: str = DEFAULT_MODEL) -> FastAPI:
    """Return the application.

    Args:
        serving: What it answers from.
        desk: The forecaster.
        max_history: Most sessions of a history that is sent.
        model: Name of the registered model that training requests are for.
    """
    app = FastAPIOffline(
        title="Closecast",
        version="1",
        summary="Forecasts of daily closes.",
        description=_DESCRIPTION,
        redoc_url=None,
        strict_content_type=False,  # JSON is read as JSON also from those who do not say that it is
    )
    handle_errors(app)
    _add_forecasts(app, serving, desk, max_history)
    _add_trainings(app, desk, model)
    _add_operations(app, serving, desk)
    return app


def openapi_document() -> dict[str, Any]:
    """Return the OpenAPI document; it needs neither Ray nor Kafka."""
    app = build_app(Serving(), _NoDesk(), max_history=5000)
    return get_openapi(
        title=app.title,
        version=app.version,
        summary=app.summary,
        description=app.description,
        routes=app.routes,
    )


def _problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    return {
        status: {
            "description": _PROBLEMS[status],
            "content": {"application/problem+json": {"schema": Problem.model_json_schema()}},
        }
        for status in statuses
    }


def _add_forecasts(app: FastAPI, serving: Serving, desk: Desk, max_history: int) -> None:
    async def known(symbol: str, horizon: int) -> Response:
        answer = serving.answers.get(symbol)
        if answer is None:
            await _require_snapshot(serving, desk)
            raise ProblemError(HTTPStatus.NOT_FOUND, f"there is no quote of {symbol}", field="symbol")
        metrics.PREDICTIONS.labels("snapshot").inc()
        return Response(answer.body(horizon), media_type=_JSON)

    @app.post(
        "/predict",
        summary="Forecast a symbol or a history",
        response_model=PredictAnswer,
        responses=_problems(404, 413, 422, 503),
        tags=["Forecasts"],
    )
    async def predict(request: PredictRequest) -> Response | PredictAnswer:
        """Answer from the latest quotes of a symbol, or from the sessions that the request brings."""
        if request.history is None:
            assert request.symbol is not None  # noqa: S101 - checked by the schema
            return await known(request.symbol, request.horizon)
        model = await _require_snapshot(serving, desk)
        answer = await asyncio.to_thread(
            forecast_history, model, request.history, request.symbol, request.horizon, max_history
        )
        metrics.PREDICTIONS.labels("history").inc()
        return answer

    @app.get(
        "/forecast/{symbol:path}",
        summary="Forecast a symbol",
        response_model=PredictAnswer,
        responses=_problems(404, 422, 503),
        tags=["Forecasts"],
    )
    async def forecast(
        symbol: Annotated[RequestedSymbol, Path()],
        horizon: Annotated[int, Query(ge=1, le=HORIZONS, description="Sessions ahead.")] = HORIZONS,
    ) -> Response:
        """Answer from the latest quotes of a symbol."""
        return await known(symbol, horizon)


def _add_trainings(app: FastAPI, desk: Desk, model: str) -> None:
    @app.post(
        "/train",
        summary="Ask for a new model version",
        status_code=HTTPStatus.ACCEPTED,
        response_model=TrainingAnswer,
        responses=_problems(413, 422, 503),
        tags=["Training"],
    )
    async def train(wanted: TrainRequest, response: Response) -> TrainingAnswer:
        """Publish a training request; its outcome appears at the address in `Location`."""
        request = TrainingRequest(
            model=model,
            symbols=wanted.symbols,
            start=wanted.start,
            end=wanted.end,
            hyperparameters=wanted.hyperparameters,
            reason="request",
        )
        try:
            await desk.request_training(request)
        except ForecasterUnavailableError as error:
            _unavailable(error)
        response.headers["Location"] = f"/train/{request.id}"
        return TrainingAnswer(
            id=request.id, state="queued", model=model, symbols=request.symbols, requested_at=request.requested_at
        )

    @app.get(
        "/train/{id}",
        summary="What became of a training request",
        response_model=TrainingAnswer,
        responses=_problems(404, 422, 503),
        tags=["Training"],
    )
    async def training(id: UUID) -> TrainingAnswer:  # noqa: A002
        """Return the state of a training request."""
        try:
            found = await desk.training(id)
        except ForecasterUnavailableError as error:
            _unavailable(error)
        if found is None:
            raise ProblemError(HTTPStatus.NOT_FOUND, f"there is no training request {id}", field="id")
        return TrainingAnswer(**asdict(found))


def _add_operations(app: FastAPI, serving: Serving, desk: Desk) -> None:
    @app.get("/health", summary="Whether the process lives", tags=["Operations"])
    async def health() -> HealthAnswer:
        """Answer as long as the process lives."""
        return HealthAnswer()

    @app.get("/ready", summary="Whether forecasts can be answered", responses=_problems(503), tags=["Operations"])
    async def ready() -> ReadyAnswer:
        """Answer 503, and what is missing, until the first forecasts are there."""
        await _require_snapshot(serving, desk)
        snapshot = serving.snapshot
        assert snapshot is not None  # noqa: S101 - required above
        return ReadyAnswer(symbols=len(snapshot.answers), model=snapshot.model, version=snapshot.version)

    @app.get(
        "/metrics",
        summary="Metrics in Prometheus' text format",
        response_class=Response,
        responses={200: {"content": {"text/plain": {}}}},
        tags=["Operations"],
    )
    async def prometheus() -> Response:
        """Return the metrics of all replicas of this machine."""
        return Response(await asyncio.to_thread(metrics.exposition), headers={"Content-Type": CONTENT_TYPE_LATEST})


async def _require_snapshot(serving: Serving, desk: Desk) -> Model:
    """Return the model that speaks; tell what is missing while there is none."""
    if serving.model is not None:
        return serving.model
    try:
        status = await desk.status()
    except ForecasterUnavailableError as error:
        _unavailable(error)
    detail = f"not ready, the forecaster is still {status.phase} ({status.symbols} symbols so far)"
    raise ProblemError(HTTPStatus.SERVICE_UNAVAILABLE, detail, headers=_RETRY)


def _unavailable(error: ForecasterUnavailableError) -> NoReturn:
    raise ProblemError(HTTPStatus.SERVICE_UNAVAILABLE, str(error), headers=_RETRY) from error


class _NoDesk:
    """Stands for the forecaster where only the document is wanted."""

    async def request_training(self, request: TrainingRequest) -> NoReturn:
        raise ForecasterUnavailableError(f"no forecaster takes request {request.id}")

    async def training(self, request_id: UUID) -> NoReturn:
        raise ForecasterUnavailableError(f"no forecaster knows request {request_id}")

    async def status(self) -> NoReturn:
        raise ForecasterUnavailableError("no forecaster")
