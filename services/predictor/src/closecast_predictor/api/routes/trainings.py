"""Training requests, and what became of them."""

from dataclasses import asdict
from http import HTTPStatus
from uuid import UUID

from fastapi import APIRouter, Response

from closecast.events import TrainingRequest
from closecast_predictor.api.desk import ForecasterUnavailableError
from closecast_predictor.api.errors import ProblemError
from closecast_predictor.api.routes.context import Context, problems, raise_unavailable
from closecast_predictor.api.schemas.trainings import TrainingAnswer, TrainRequest


def training_routes(context: Context) -> APIRouter:
    """Return the routes of training requests."""
    router = APIRouter(tags=["Training"])

    @router.post(
        "/train",
        summary="Ask for a new model version",
        status_code=HTTPStatus.ACCEPTED,
        response_model=TrainingAnswer,
        responses=problems(413, 422, 503),
    )
    async def train(wanted: TrainRequest, response: Response) -> TrainingAnswer:
        """Publish a training request; its outcome appears at the address in `Location`."""
        request = TrainingRequest(
            model=context.model,
            symbols=wanted.symbols,
            start=wanted.start,
            end=wanted.end,
            hyperparameters=wanted.hyperparameters,
            reason="request",
        )
        try:
            await context.desk.request_training(request)
        except ForecasterUnavailableError as error:
            raise_unavailable(error)
        response.headers["Location"] = f"/train/{request.id}"
        return TrainingAnswer(
            id=request.id,
            state="queued",
            model=request.model,
            symbols=request.symbols,
            requested_at=request.requested_at,
        )

    @router.get(
        "/train/{id}",
        summary="What became of a training request",
        response_model=TrainingAnswer,
        responses=problems(404, 422, 503),
    )
    async def training(id: UUID) -> TrainingAnswer:  # noqa: A002
        """Return the state of a training request."""
        try:
            found = await context.desk.training(id)
        except ForecasterUnavailableError as error:
            raise_unavailable(error)
        if found is None:
            raise ProblemError(HTTPStatus.NOT_FOUND, f"there is no training request {id}", field="id")
        return TrainingAnswer(**asdict(found))

    return router
