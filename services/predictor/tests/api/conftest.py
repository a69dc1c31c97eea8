from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from uuid import UUID

import pytest
from services.predictor.tests.registry import NothingRecorded
from services.predictor.tests.support import book_of, serving_of
from starlette.testclient import TestClient

from closecast.events import BackfillRequest, TrainingRequest
from closecast.kafka import KafkaSettings
from closecast_predictor.api.app import build_app
from closecast_predictor.api.desk import ForecasterUnavailableError
from closecast_predictor.api.edge import Edge
from closecast_predictor.api.routes.context import Context
from closecast_predictor.api.serving import Serving
from closecast_predictor.backfills import Backfill, BackfillDesk
from closecast_predictor.book import Book
from closecast_predictor.engine import Status
from closecast_predictor.snapshot import Model
from closecast_predictor.stats import Statistics, Stats, SymbolStats
from closecast_predictor.training import Training, TrainingDesk
from closecast_predictor.versions import Refusal, Version, VersionDetails
from closecast_predictor.windows import Window


@dataclass
class LocalDesk:
    """The forecaster's desk without Ray and Kafka between: what is asked for is noted as if it came back from there."""

    trainings: TrainingDesk = field(default_factory=lambda: TrainingDesk(KafkaSettings(), NothingRecorded()))
    backfills: BackfillDesk = field(default_factory=lambda: BackfillDesk(KafkaSettings()))
    requests: list[BackfillRequest] = field(default_factory=list)
    reachable: bool = True
    book: Book = field(default_factory=lambda: book_of("PETR4.SA", "VALE3.SA", "AAPL"))
    lag: Mapping[str, int] = field(default_factory=lambda: {"closecast.quotes": 0})
    model: Model = field(default_factory=lambda: Model.base("closecast-panel"))
    shelf: list[VersionDetails] = field(default_factory=list)

    async def request_training(self, request: TrainingRequest) -> None:
        self._check()
        self.trainings.asked(request)

    async def training(self, request_id: UUID) -> Training | None:
        self._check()
        return self.trainings.find(request_id)

    async def request_backfill(self, symbol: str) -> Backfill:
        self._check()
        if self.backfills.find(symbol) is None:
            self.requests.append(BackfillRequest(symbol=symbol))
            self.backfills.asked(self.requests[-1])
        found = self.backfills.find(symbol)
        assert found is not None
        return found

    async def backfill(self, symbol: str) -> Backfill | None:
        self._check()
        return self.backfills.find(symbol)

    async def latest_trainings(self, limit: int) -> list[Training]:
        self._check()
        return self.trainings.latest(limit)

    async def versions(self, limit: int) -> list[Version]:
        self._check()
        return [one.version for one in self.shelf][:limit]

    async def version(self, model: str, version: str) -> VersionDetails | Refusal:
        self._check()
        named = [one for one in self.shelf if (one.version.model, one.version.version) == (model, version)]
        return named[0] if named else Refusal("unknown", f"there is no version {version} of {model}")

    async def promote(self, model: str, version: str) -> VersionDetails | Refusal:
        found = await self.version(model, version)
        if isinstance(found, Refusal):
            return found
        if found.spec is None:
            return Refusal("unfit", f"version {version} of {model} cannot be served: spec.json is missing")
        for at, one in enumerate(self.shelf):
            if one.version.model == model:
                aliases = ("champion",) if one is found else ()
                speaks = replace(one.version, aliases=aliases, serving=one is found)
                self.shelf[at] = replace(one, version=speaks)
        return await self.version(model, version)

    async def window(self, symbol: str, sessions: int) -> Window | None:
        self._check()
        return self.book.window(symbol, sessions)

    async def stats(self) -> Stats:
        self._check()
        return Statistics(self).of_all()

    async def stats_of(self, symbol: str, *, late: bool) -> SymbolStats | None:
        self._check()
        return Statistics(self).of(symbol, late=late)

    async def status(self) -> Status:
        self._check()
        return Status("reading the quotes", 3, "closecast-panel", "base")

    def _check(self) -> None:
        if not self.reachable:
            raise ForecasterUnavailableError("the forecaster cannot be reached: test")


@pytest.fixture
def desk() -> LocalDesk:
    return LocalDesk()


@pytest.fixture(scope="session")
def forecasts() -> Serving:
    return serving_of("PETR4.SA", "VALE3.SA", "AAPL")


@pytest.fixture
def serving(forecasts: Serving) -> Serving:
    fresh = Serving(max_body=2**20, max_history=500)
    assert forecasts.snapshot is not None
    assert forecasts.models is not None
    fresh.swap(forecasts.snapshot, forecasts.models)
    return fresh


@pytest.fixture
def client(serving: Serving, desk: LocalDesk) -> TestClient:
    """Return a client of edge and application as they stand in a replica."""
    app = Edge(build_app(Context(serving, desk)), serving)
    return TestClient(app, raise_server_exceptions=False)
