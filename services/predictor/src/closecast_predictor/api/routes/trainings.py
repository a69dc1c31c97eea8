"""Training requests, and what became of them."""

from dataclasses import asdict
from http import HTTPStatus
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Path, Query, Response

from closecast.events import TrainingRequest
from closecast.model_names import ModelNames
from closecast_predictor.api.errors import ProblemError
from closecast_predictor.api.routes.context import Context, problems
from closecast_predictor.api.schemas.trainings import TrainingAnswer, TrainingsAnswer, TrainRequest

_LISTED: Final = 20
_MOST_LISTED: Final = 50
_EXAMPLE_ID: Final = "0f4ba1c2-5d4a-4d4e-9d0c-1b7f3f8a6b11"


def training_routes(context: Context) -> APIRouter:
    """Return the routes of training requests."""
    router = APIRouter(tags=["Training"])
    names = ModelNames(context.model)

    @router.post(
        "/train",
        summary="Ask for a new model version",
        status_code=HTTPStatus.ACCEPTED,
        response_model=TrainingAnswer,
        responses=problems(413, 422, 503),
    )
    async def train(wanted: TrainRequest, response: Response) -> TrainingAnswer:
        """Publish a training request; its outcome appears at the address in `Location`.

        Symbols that there are no quotes of yet are refused: ask again when their quotes have come.
        """
        _require_quotes(context, wanted)
        symbols = tuple(wanted.universe)
        request = TrainingRequest(
            model=_model_of(names, wanted),
            symbols=symbols,
            start=wanted.first_session,
            end=wanted.last_session,
            hyperparameters=wanted.settings,
            reason="request",
        )
        await context.desk.request_training(request)
        response.headers["Location"] = f"/train/{request.id}"
        return TrainingAnswer(
            id=request.id,
            state="queued",
            model=request.model,
            symbols=request.symbols,
            requested_at=request.requested_at,
        )

    @router.get("/train", summary="The latest training requests", responses=problems(422, 503))
    async def trainings(
        limit: Annotated[int, Query(ge=1, le=_MOST_LISTED, description="Most requests to return.")] = _LISTED,
    ) -> TrainingsAnswer:
        """Return the latest requests of the last 30 days, people's and the trainer's own, the latest first."""
        found = await context.desk.latest_trainings(limit)
        return TrainingsAnswer(trainings=[TrainingAnswer(**asdict(one)) for one in found])

    @router.get(
        "/train/{id}",
        summary="What became of a training request",
        response_model=TrainingAnswer,
        responses=problems(404, 422, 503),
    )
    async def training(id: Annotated[UUID, Path(examples=[_EXAMPLE_ID])]) -> TrainingAnswer:  # noqa: A002
        """Return the state of a training request, and how far it is while it runs."""
        found = await context.desk.training(id)
        if found is None:
            raise ProblemError(HTTPStatus.NOT_FOUND, f"there is no training request {id}", field="id")
        return TrainingAnswer(**asdict(found))

    return router


def _require_quotes(context: Context, wanted: TrainRequest) -> None:
    """Refuse symbols that there is no quote of; before the first snapshot it is the trainer who can tell."""
    snapshot = context.serving.snapshot
    for symbol, field in wanted.universe.items():
        if snapshot is not None and symbol not in snapshot.answers:
            raise ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, f"there is no quote of {symbol} yet", field=field)


def _model_of(names: ModelNames, wanted: TrainRequest) -> str:
    """Return the registered model that these symbols are trained for."""
    symbols = tuple(wanted.universe)
    name = names.own(symbols[0]) if len(symbols) == 1 else names.panel
    if wanted.model_name not in {None, name}:
        detail = f"what these symbols are trained for is called {name}"
        raise ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, detail, field="model_name")
    return name
