"""The forecaster as the replicas that answer reach it: through Ray Serve."""

import asyncio
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from ray import ObjectRef
from ray.exceptions import RayError, RayTaskError
from ray.serve.exceptions import RayServeException
from ray.serve.handle import DeploymentHandle

from closecast.events import TrainingRequest
from closecast_predictor.api.desk import ForecasterUnavailableError
from closecast_predictor.backfills import Backfill
from closecast_predictor.engine import Status
from closecast_predictor.snapshot import Lineup, ModelFiles, Snapshot
from closecast_predictor.stats import Stats, SymbolStats
from closecast_predictor.training import Training
from closecast_predictor.versions import Refusal, Version, VersionDetails
from closecast_predictor.windows import Window

_CALL_S: Final = 15.0


@dataclass(frozen=True, slots=True)
class SharedModel:
    """A model version in the object store.

    Attributes:
        version: Its name and version.
        files: Where its files are.
    """

    version: tuple[str, str]
    files: ObjectRef[ModelFiles]


@dataclass(frozen=True, slots=True)
class Update:
    """A snapshot in the object store; Ray does not resolve references that lie within an object.

    Attributes:
        token: Of the snapshot.
        base: Of the snapshot that it is based on; none if it is whole.
        snapshot: Where it is.
        models: What made it.
    """

    token: str
    base: str | None
    snapshot: ObjectRef[Snapshot]
    models: Lineup[SharedModel]


class RemoteDesk:
    """Calls the forecaster through Ray Serve.

    Args:
        forecaster: Handle of the deployment.
    """

    def __init__(self, forecaster: DeploymentHandle[Any]) -> None:
        # By reference: replies hold references to objects, which gRPC would pin in the store for ever.
        self._forecaster = forecaster.options(_by_reference=True)

    async def next_update(self, known: str, wait_s: float) -> Update | None:
        """Return the next snapshot; see `Forecaster.next_update`."""
        update: Update | None = await self._call("next_update", known, wait_s, timeout_s=wait_s + _CALL_S)
        return update

    async def request_training(self, request: TrainingRequest) -> None:
        """Publish a training request and return once Kafka has it."""
        await self._call("request_training", request.to_bytes())

    async def training(self, request_id: UUID) -> Training | None:
        """Return what is known of a training request."""
        found: Training | None = await self._call("training", str(request_id))
        return found

    async def request_backfill(self, symbol: str) -> Backfill:
        """Have a symbol fetched, unless that is under way; return once Kafka has the request."""
        requested: Backfill = await self._call("request_backfill", symbol)
        return requested

    async def backfill(self, symbol: str) -> Backfill | None:
        """Return what is known of a symbol that was to be fetched."""
        found: Backfill | None = await self._call("backfill", symbol)
        return found

    async def latest_trainings(self, limit: int) -> list[Training]:
        """Return the latest training requests, the latest first."""
        found: list[Training] = await self._call("latest_trainings", limit)
        return found

    async def versions(self, limit: int) -> list[Version]:
        """Return the latest registered versions, the latest first."""
        found: list[Version] = await self._call("versions", limit)
        return found

    async def version(self, model: str, version: str) -> VersionDetails | Refusal:
        """Return all that is known of a version, or why that is nothing."""
        found: VersionDetails | Refusal = await self._call("version", model, version)
        return found

    async def promote(self, model: str, version: str) -> VersionDetails | Refusal:
        """Make a version the champion of its model, or return why it is not."""
        promoted: VersionDetails | Refusal = await self._call("promote", model, version)
        return promoted

    async def window(self, symbol: str, sessions: int) -> Window | None:
        """Return the latest sessions of a symbol, None if there is no quote of it."""
        window: Window | None = await self._call("window", symbol, sessions)
        return window

    async def stats(self) -> Stats:
        """Return the figures of the whole deployment."""
        stats: Stats = await self._call("stats")
        return stats

    async def stats_of(self, symbol: str, *, late: bool) -> SymbolStats | None:
        """Return how the forecasts of a symbol have fared, None if there is no quote of it."""
        stats: SymbolStats | None = await self._call("stats_of", symbol, late=late)
        return stats

    async def status(self) -> Status:
        """Return how far the forecaster is."""
        status: Status = await self._call("status")
        return status

    async def _call(self, method: str, *arguments: object, timeout_s: float = _CALL_S, **named: object) -> Any:  # noqa: ANN401 - the method's
        try:
            return await asyncio.wait_for(getattr(self._forecaster, method).remote(*arguments, **named), timeout_s)
        except RayTaskError as error:
            raise ForecasterUnavailableError(f"the forecaster failed: {error.cause}") from error
        except (RayError, RayServeException, TimeoutError) as error:
            told = str(error).strip().splitlines()
            raise ForecasterUnavailableError(
                f"the forecaster cannot be reached: {told[-1] if told else error!r}"
            ) from error
