"""Gets the champion from MLflow, beside the work that goes on with the version there is."""

import queue
import shutil
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from closecast.forecasting.bundle import Bundle
from closecast.mlflow_settings import MlflowSettings
from closecast.telemetry.logs import get_logger
from closecast_predictor import metrics
from closecast_predictor.registry import RegisteredVersion, Registry
from closecast_predictor.snapshot import Model, ModelFiles

_FIRST_RETRY_S: Final = 1.0
_LONGEST_RETRY_S: Final = 60.0

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A version that is ready to speak.

    Attributes:
        model: What forecasts.
        files: The same as it travels to the replicas.
    """

    model: Model
    files: ModelFiles

    @classmethod
    def base(cls, name: str) -> "LoadedModel":
        """Return the base under the name of a registered model."""
        return cls(Model.base(name), ModelFiles(name, Model.base(name).version))

    @classmethod
    def read(cls, name: str, version: str, folder: Path) -> "LoadedModel":
        """Read a version's folder.

        Raises:
            InvalidBundleError: If it is missing a file, or cannot be served by this code.
        """
        bundle = Bundle.load(folder)
        return cls(Model(name, version, bundle.spec.skill, bundle), ModelFiles.read(name, version, folder))


class ModelCache:
    """Keeps the last good version on disk, so that a restart while MLflow is down does not fall back to the base.

    Args:
        folder: Where; made when it is missing.
        name: Name of the registered model.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder / name
        self._name = name

    def keep(self, version: str, downloaded: Path) -> None:
        """Move a version's folder in as the last good one."""
        self._folder.mkdir(parents=True, exist_ok=True)
        kept = self._folder / version
        shutil.rmtree(kept, ignore_errors=True)
        shutil.move(downloaded, kept)
        for other in self._folder.iterdir():
            if other != kept:
                shutil.rmtree(other, ignore_errors=True)

    def last_good(self) -> LoadedModel | None:
        """Return the version that was kept, or None."""
        for folder in self._folder.glob("*"):
            try:
                return LoadedModel.read(self._name, folder.name, folder)
            except (OSError, ValueError) as error:
                _log.warning("cached model is unusable", version=folder.name, error=str(error))
        return None


class ChampionLoader:
    """Downloads promoted versions in a thread of its own and hands each over when it is ready.

    MLflow may be down or slow: the loader tries again, at longer and longer intervals; the caller keeps what it has.

    Args:
        settings: Where MLflow is, and the name of the model.
        cache: Where the last good version is kept.
        loaded: Called with each version that is ready, in the loader's thread.
        settled: Called once, when the first look for a champion has ended, well or not.
    """

    def __init__(
        self,
        settings: MlflowSettings,
        cache: ModelCache,
        loaded: Callable[[LoadedModel], None],
        settled: Callable[[], None],
    ) -> None:
        self._settings = settings
        self._cache = cache
        self._loaded = loaded
        self._settled = settled
        self._wanted: queue.SimpleQueue[RegisteredVersion | None] = queue.SimpleQueue()
        self._serving: str | None = None
        self._thread = threading.Thread(target=self._run, name="champion-loader", daemon=True)

    def start(self) -> None:
        """Look for the champion, then wait for promotions."""
        self._thread.start()

    def promoted(self, version: str, run_id: str) -> None:
        """Load a version that was promoted.

        Raises:
            ValueError: If it cannot be one of MLflow's.
        """
        self._wanted.put(RegisteredVersion(version, run_id))

    def stop(self) -> None:
        """End the thread; a download under way is left to itself."""
        self._wanted.put(None)

    def _run(self) -> None:
        registry = Registry(self._settings)
        behind = not self._attempt(registry, None)
        if behind and (kept := self._cache.last_good()) is not None:
            self._hand_over(kept)
        self._settled()
        delay = _FIRST_RETRY_S
        while True:
            try:
                wanted = self._wanted.get(timeout=delay if behind else None)
            except queue.Empty:
                # The alias is asked again: by now another version may be champion.
                behind, delay = not self._attempt(registry, None), min(2 * delay, _LONGEST_RETRY_S)
            else:
                if wanted is None:
                    return
                behind, delay = not self._attempt(registry, wanted), _FIRST_RETRY_S

    def _attempt(self, registry: Registry, wanted: RegisteredVersion | None) -> bool:
        """Load what is wanted, or what the alias names; return whether nothing is left to do."""
        started = time.perf_counter()
        try:
            target = wanted or registry.champion()
            if target is not None and target.version != self._serving:
                self._hand_over(self._download(registry, target))
                _log.info("champion loaded", version=target.version, seconds=round(time.perf_counter() - started, 3))
        except Exception as error:  # noqa: BLE001 - whatever is wrong with MLflow or the version, the last good one stays
            metrics.MODEL_LOAD_FAILURES.inc()
            metrics.MODEL_STALE.set(1)
            _log.warning("champion not loaded, the last good model stays", error=f"{type(error).__name__}: {error}")
            return False
        metrics.MODEL_STALE.set(0)
        return True

    def _download(self, registry: Registry, target: RegisteredVersion) -> LoadedModel:
        with tempfile.TemporaryDirectory(prefix="closecast-model-") as folder:
            downloaded = registry.download(target, Path(folder))
            loaded = LoadedModel.read(self._settings.model, target.version, downloaded)
            self._cache.keep(target.version, downloaded)
            return loaded

    def _hand_over(self, model: LoadedModel) -> None:
        self._serving = model.model.version
        self._loaded(model)
