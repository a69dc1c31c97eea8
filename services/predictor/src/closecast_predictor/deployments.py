"""The two deployments of Ray Serve: one forecaster, and the replicas that answer HTTP."""

import asyncio
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Final, ParamSpec, TypeVar
from uuid import UUID

import ray
from ray import serve
from ray.serve.handle import DeploymentHandle

from closecast.events import TrainingRequest
from closecast.telemetry.logs import get_logger
from closecast_predictor import metrics
from closecast_predictor.access.setup import guard_of
from closecast_predictor.api.app import build_app
from closecast_predictor.api.desk import ForecasterUnavailableError
from closecast_predictor.api.edge import Edge
from closecast_predictor.api.routes.context import Context
from closecast_predictor.api.serving import SERVING
from closecast_predictor.autoscaling import BUSY, BusyMeter
from closecast_predictor.backfills import Backfill
from closecast_predictor.cache import LoadedModel, ModelCache
from closecast_predictor.companies import Companies
from closecast_predictor.engine import Engine, Status
from closecast_predictor.node_metrics import NodeMetrics
from closecast_predictor.ray_output import configure_process_logs
from closecast_predictor.remote_desk import RemoteDesk, SharedModel, Update
from closecast_predictor.settings import PredictorSettings
from closecast_predictor.snapshot import Lineup, Model, ModelFiles, Snapshot
from closecast_predictor.stats import Statistics, Stats, SymbolStats
from closecast_predictor.training import Training
from closecast_predictor.versions import Refusal, Version, VersionDetails
from closecast_predictor.windows import Window

_LONG_POLL_S: Final = 20.0
_FIRST_SNAPSHOT_S: Final = 5.0
_RETRY_S: Final = 0.5
_MLFLOW_CALLS: Final = 4

P = ParamSpec("P")
T = TypeVar("T")

_log = get_logger(__name__)


class Forecaster:
    """Runs the engine and hands its snapshots to the replicas through the object store."""

    def __init__(self, settings: PredictorSettings) -> None:
        configure_process_logs(settings.log)
        self._loop = asyncio.get_running_loop()
        self._changed = asyncio.Event()
        self._snapshot: Snapshot | None = None
        self._update: Update | None = None
        self._whole: Update | None = None
        self._shared: dict[tuple[str, str], SharedModel] = {}
        self._metrics = NodeMetrics(settings)
        cache = settings.cache or Path(tempfile.mkdtemp(prefix="closecast-models-"))
        self._engine = Engine(settings, ModelCache(cache, settings.mlflow.names), self._share)
        self._statistics = Statistics(self._engine)
        self._mlflow_calls = ThreadPoolExecutor(_MLFLOW_CALLS, thread_name_prefix="mlflow")
        self._engine.start()

    async def next_update(self, known: str, wait_s: float) -> Update | None:
        """Return the latest snapshot as soon as it is another than the known one; None if none comes in time."""
        if self._update is None or self._update.token == known:
            try:
                await asyncio.wait_for(self._changed.wait(), wait_s)
            except TimeoutError:
                return None
        if self._update is None or self._snapshot is None or self._update.base in {None, known}:
            return self._update
        if self._whole is None:
            # For replicas that are new or could not keep up; those that follow never need it.
            self._whole = replace(self._update, base=None, snapshot=ray.put(self._snapshot))
        return self._whole

    async def request_training(self, request: bytes) -> None:
        """Publish a training request."""
        await asyncio.to_thread(self._engine.trainings.request, TrainingRequest.from_bytes(request))

    async def training(self, request_id: str) -> Training | None:
        """Return what is known of a training request."""
        return await self._ask_mlflow(self._engine.trainings.find, UUID(request_id))

    async def latest_trainings(self, limit: int) -> list[Training]:
        """Return the latest training requests."""
        return await self._ask_mlflow(self._engine.trainings.latest, limit)

    async def versions(self, limit: int) -> list[Version]:
        """Return the latest registered versions."""
        return await self._ask_mlflow(self._engine.catalog.versions, limit)

    async def version(self, model: str, version: str) -> VersionDetails | Refusal:
        """Return all that is known of a version."""
        return await self._ask_mlflow(self._engine.catalog.version, model, version)

    async def promote(self, model: str, version: str) -> VersionDetails | Refusal:
        """Make a version the champion of its model."""
        return await self._ask_mlflow(self._engine.promote, model, version)

    async def request_backfill(self, symbol: str) -> Backfill:
        """Have a symbol fetched, unless that is under way."""
        return await asyncio.to_thread(self._engine.request_backfill, symbol)

    async def backfill(self, symbol: str) -> Backfill | None:
        """Return what is known of a symbol that was to be fetched."""
        return self._engine.backfills.find(symbol)

    async def window(self, symbol: str, sessions: int) -> Window | None:
        """Return the latest sessions of a symbol."""
        return await asyncio.to_thread(self._engine.book.window, symbol, sessions)

    async def stats(self) -> Stats:
        """Return the figures of the whole deployment."""
        return await asyncio.to_thread(self._statistics.of_all)

    async def stats_of(self, symbol: str, *, late: bool) -> SymbolStats | None:
        """Return how the forecasts of a symbol have fared."""
        return await asyncio.to_thread(self._statistics.of, symbol, late=late)

    async def status(self) -> Status:
        """Return how far the engine is."""
        return self._engine.status

    async def check_health(self) -> None:
        """Have Serve start a new forecaster when the engine has died."""
        if not self._engine.is_alive:
            raise RuntimeError("a thread of the forecaster has ended; its log tells why")

    async def __del__(self) -> None:
        """Let go of Kafka and of the port."""
        self._mlflow_calls.shutdown(wait=False, cancel_futures=True)
        await asyncio.to_thread(self._engine.stop)
        self._metrics.close()

    async def _ask_mlflow(self, call: Callable[P, T], *arguments: P.args, **_: P.kwargs) -> T:
        """Call what waits for MLflow in threads of its own: while it is slow nothing else waits."""
        return await self._loop.run_in_executor(self._mlflow_calls, call, *arguments)

    def _share(self, snapshot: Snapshot, models: Lineup[LoadedModel]) -> None:
        shared = models.map(self._share_model)
        self._shared = {one.version: one for one in shared}
        sent = snapshot if self._snapshot is None else snapshot.since(self._snapshot)
        update = Update(sent.token, sent.base, ray.put(sent), shared)
        self._loop.call_soon_threadsafe(self._announce, snapshot, update)

    def _share_model(self, loaded: LoadedModel) -> SharedModel:
        version = (loaded.name, loaded.model.version)
        return self._shared.get(version) or SharedModel(version, ray.put(loaded.files))

    def _announce(self, snapshot: Snapshot, update: Update) -> None:
        self._snapshot, self._update, self._whole = snapshot, update, None
        self._changed.set()
        self._changed = asyncio.Event()


@serve.ingress()
class Api:
    """Answers HTTP from the latest snapshot, also while the forecaster is away."""

    async def __init__(self, settings: PredictorSettings, forecaster: DeploymentHandle[Forecaster]) -> None:  # type: ignore[misc]
        configure_process_logs(settings.log)
        self._settings = settings
        self._desk = RemoteDesk(forecaster)
        self._busy = BusyMeter()
        self._metrics = NodeMetrics(settings)
        self._replica = serve.get_replica_context().replica_tag
        self._loaded: dict[tuple[str, str], Model] = {}
        SERVING.max_body, SERVING.max_history = settings.max_body_bytes, settings.max_history
        SERVING.max_in_progress = settings.max_in_progress
        SERVING.guard = guard_of(settings)
        metrics.STARTED.set_to_current_time()
        try:
            # A replica that is started under load should know the forecasts before the first request comes.
            await self._take(await self._desk.next_update("", _FIRST_SNAPSHOT_S))
        except ForecasterUnavailableError as error:
            _log.warning("no snapshot yet", error=str(error))
        self._following = asyncio.get_running_loop().create_task(self._follow())

    def __serve_build_asgi_app__(self) -> Edge:
        """Return the application; Ray Serve calls this once the replica is made."""
        settings = self._settings
        context = Context(
            SERVING,
            self._desk,
            model=settings.mlflow.model,
            sessions=settings.sessions,
            fetch=settings.fetch,
            companies=Companies(settings.companies),
        )
        return Edge(build_app(context))

    async def record_autoscaling_stats(self) -> dict[str, float]:
        """Return what the autoscaling policy goes by."""
        busy = self._busy.read()
        metrics.REPLICA_BUSY.labels(self._replica).set(busy)
        return {BUSY: busy}

    async def _follow(self) -> None:
        while True:
            known = "" if SERVING.snapshot is None else SERVING.snapshot.token
            try:
                await self._take(await self._desk.next_update(known, _LONG_POLL_S))
            except ForecasterUnavailableError as error:
                _log.warning("the last snapshot stays", error=str(error))
                await asyncio.sleep(_RETRY_S)
            except Exception:  # noqa: BLE001 - logged below; following must not end
                _log.exception("snapshot not taken, the last one stays")
                await asyncio.sleep(_RETRY_S)

    async def _take(self, update: Update | None) -> None:
        if update is None:
            return
        sent: Snapshot = await update.snapshot
        snapshot = sent.whole(SERVING.snapshot)
        for model in update.models:
            if model.version not in self._loaded:
                files: ModelFiles = await model.files
                self._loaded[model.version] = await asyncio.to_thread(_load, files)
        self._loaded = {model.version: self._loaded[model.version] for model in update.models}
        SERVING.swap(snapshot, update.models.map(lambda model: self._loaded[model.version]))


def _load(files: ModelFiles) -> Model:
    with tempfile.TemporaryDirectory(prefix="closecast-model-") as folder:
        return files.load(Path(folder))
