"""The registered versions, and which of them is champion."""

from dataclasses import asdict
from http import HTTPStatus
from typing import Annotated, Final

from fastapi import APIRouter, Path, Query

from closecast.events import ModelName
from closecast_predictor.api.errors import ProblemError
from closecast_predictor.api.routes.context import Context, problems
from closecast_predictor.api.schemas.models import ModelsAnswer, PromoteRequest, VersionAnswer, VersionDetailsAnswer
from closecast_predictor.catalog import MOST_VERSIONS
from closecast_predictor.versions import Refusal, VersionDetails

_LISTED: Final = 100
_STATUS: Final = {"unknown": HTTPStatus.NOT_FOUND, "unfit": HTTPStatus.CONFLICT}

VersionNumber = Annotated[str, Path(pattern=r"^[0-9]{1,18}$", description="Number of the version.", examples=["3"])]


def model_routes(context: Context) -> APIRouter:
    """Return the routes of models."""
    router = APIRouter(tags=["Models"])

    @router.get("/models", summary="The registered versions", responses=problems(422, 503))
    async def models(
        limit: Annotated[int, Query(ge=1, le=MOST_VERSIONS, description="Most versions to return.")] = _LISTED,
    ) -> ModelsAnswer:
        """Return the versions of the panel's model and of symbols' own, the latest first."""
        found = await context.desk.versions(limit)
        return ModelsAnswer(models=[VersionAnswer(**asdict(one)) for one in found])

    @router.get("/models/{version}", summary="A registered version", responses=problems(404, 422, 503))
    async def one(
        version: VersionNumber,
        model: Annotated[ModelName | None, Query(description="Registered model; the panel's by default.")] = None,
    ) -> VersionDetailsAnswer:
        """Return all that is known of a version: its model card, its backtest, its parameters, its spec."""
        found = await context.desk.version(model or context.model, version)
        return _answer(found)

    @router.post(
        "/models/{version}/promote", summary="Make a version champion", responses=problems(404, 409, 413, 422, 503)
    )
    async def promote(version: VersionNumber, wanted: PromoteRequest | None = None) -> VersionDetailsAnswer:
        """Have another version speak, such as an earlier one; every predictor follows within a second.

        A training that ends at the same moment does not undo it.
        """
        model = (wanted and wanted.model) or context.model
        promoted = await context.desk.promote(model, version)
        return _answer(promoted)

    return router


def _answer(found: VersionDetails | Refusal) -> VersionDetailsAnswer:
    if isinstance(found, Refusal):
        raise ProblemError(_STATUS[found.kind], found.reason, field="version")
    details = asdict(found)
    return VersionDetailsAnswer(**details.pop("version"), **details)
