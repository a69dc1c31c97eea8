"""What the HTTP application asks of the forecaster, wherever that runs."""

from http import HTTPStatus
from typing import Protocol
from uuid import UUID

from closecast.events import TrainingRequest
from closecast_predictor.api.errors import RETRY_SOON, ProblemError
from closecast_predictor.backfills import Backfill
from closecast_predictor.engine import Status
from closecast_predictor.stats import Stats, SymbolStats
from closecast_predictor.training import Training
from closecast_predictor.versions import Refusal, Version, VersionDetails
from closecast_predictor.windows import Window


class ForecasterUnavailableError(ProblemError):
    """The forecaster or its Kafka cannot be reached now; a later try may succeed.

    Args:
        reason: Why, in a sentence.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(HTTPStatus.SERVICE_UNAVAILABLE, reason, headers=RETRY_SOON)


class Desk(Protocol):
    """The forecaster as the HTTP application sees it; every call may raise `ForecasterUnavailableError`."""

    async def request_training(self, request: TrainingRequest) -> None:
        """Publish a training request and return once Kafka has it."""

    async def training(self, request_id: UUID) -> Training | None:
        """Return what is known of a training request."""

    async def request_backfill(self, symbol: str) -> Backfill:
        """Have a symbol fetched, unless that is under way; return once Kafka has the request."""

    async def backfill(self, symbol: str) -> Backfill | None:
        """Return what is known of a symbol that was to be fetched."""

    async def latest_trainings(self, limit: int) -> list[Training]:
        """Return the latest training requests, the latest first."""

    async def versions(self, limit: int) -> list[Version]:
        """Return the latest registered versions, the latest first."""

    async def version(self, model: str, version: str) -> VersionDetails | Refusal:
        """Return all that is known of a version, or why that is nothing."""

    async def promote(self, model: str, version: str) -> VersionDetails | Refusal:
        """Make a version the champion of its model, or return why it is not."""

    async def window(self, symbol: str, sessions: int) -> Window | None:
        """Return the latest sessions of a symbol, None if there is no quote of it."""

    async def stats(self) -> Stats:
        """Return the figures of the whole deployment."""

    async def stats_of(self, symbol: str, *, late: bool) -> SymbolStats | None:
        """Return how the forecasts of a symbol have fared, None if there is no quote of it.

        Args:
            symbol: The symbol.
            late: Whether to tell of forecasts too that were made after their session had closed.
        """

    async def status(self) -> Status:
        """Return how far the forecaster is."""
