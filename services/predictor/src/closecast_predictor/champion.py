"""Gets champions from MLflow, the panel's and symbols' own, beside the work that goes on with those there are."""

import queue
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from closecast.forecasting.spec import InvalidBundleError
from closecast.mlflow_settings import CHAMPION, MlflowSettings
from closecast.telemetry.logs import get_logger
from closecast_predictor import metrics
from closecast_predictor.cache import LoadedModel, ModelCache
from closecast_predictor.registry import RegisteredVersion, Registry

_FIRST_RETRY_S: Final = 1.0
_LONGEST_RETRY_S: Final = 60.0
_ALL: Final = ""

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Retired:
    """A registered model that has no champion any more.

    Attributes:
        name: Its name.
    """

    name: str


Change = LoadedModel | Retired
"""What becomes of one registered model: another version speaks, or none."""


class ChampionLoader:
    """Downloads champions in a thread of its own and hands each over when it is ready.

    Which version is champion is what the alias in MLflow says, never an event: of two that were promoted at the same
    moment every predictor loads the one that MLflow ended with. MLflow may be down or slow: the loader tries again, at
    longer and longer intervals; the caller keeps what it has.

    Args:
        settings: Where MLflow is, and the names of the models.
        cache: Where the last good versions are kept.
        changed: Called with each change, in the loader's thread.
        settled: Called once, when the first look for champions has ended, well or not.
    """

    def __init__(
        self,
        settings: MlflowSettings,
        cache: ModelCache,
        changed: Callable[[Change], None],
        settled: Callable[[], None],
    ) -> None:
        self._names = settings.names
        self._registry = Registry(settings)
        self._cache = cache
        self._changed = changed
        self._settled = settled
        self._wanted: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._versions: dict[str, str] = {}
        self._unusable: dict[str, str] = {}
        self._thread = threading.Thread(target=self._run, name="champion-loader", daemon=True)

    def start(self) -> None:
        """Look for all champions, then wait to be told to look again."""
        self._thread.start()

    def look(self, name: str = _ALL) -> None:
        """See whether a model has another champion than the one that was handed over; all models if none is named."""
        if name in {_ALL, self._names.panel} or self._names.symbol_of(name) is not None:
            self._wanted.put(name)

    def stop(self) -> None:
        """End the thread; a download under way is left to itself."""
        self._wanted.put(None)

    def _run(self) -> None:
        behind = not self._follow_all()
        if behind or self._unusable:
            self._fall_back()
        self._settled()
        delay = _FIRST_RETRY_S
        while True:
            try:
                name = self._wanted.get(timeout=delay if behind else None)
            except queue.Empty:
                behind, delay = not self._follow_all(), min(2 * delay, _LONGEST_RETRY_S)
            else:
                if name is None:
                    return
                behind = not self._follow_all() if name == _ALL else not self._follow(name) or behind
                delay = _FIRST_RETRY_S

    def _follow_all(self) -> bool:
        """Follow every champion that changed, the panel's first; return whether nothing is left to do.

        A version that cannot be served is not downloaded again: no later try can change that.
        """
        try:
            aliases = self._registry.speaking()
        except Exception as error:  # noqa: BLE001 - whatever is wrong with MLflow, the last good versions stay
            self._failed(None, error)
            return False
        champions = {name: versions[CHAMPION] for name, versions in aliases.items() if CHAMPION in versions}
        self._cache.forget_all_but(champions)
        changed = [
            name
            for name in champions.keys() | self._versions.keys()
            if name not in champions or champions[name] not in {self._versions.get(name), self._unusable.get(name)}
        ]
        # One that cannot be loaded keeps none of the others waiting.
        followed = [self._follow(name) for name in sorted(changed, key=lambda name: (name != self._names.panel, name))]
        self._tell_stale(champions.get(self._names.panel))
        return all(followed)

    def _follow(self, name: str) -> bool:
        """Hand over what the alias of a model names; return whether nothing is left to do."""
        try:
            champion = self._registry.champion(name)
            if champion is None:
                self._retire(name)
            elif champion.version != self._versions.get(name):
                self._load(name, champion)
            if name == self._names.panel:
                self._tell_stale(None if champion is None else champion.version)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with MLflow, the last good version stays
            self._failed(name, error)
            return False
        return True

    def _load(self, name: str, champion: RegisteredVersion) -> None:
        started = time.perf_counter()
        with tempfile.TemporaryDirectory(prefix="closecast-model-") as folder:
            try:
                downloaded = self._registry.download(champion, Path(folder))
                loaded = LoadedModel.read(name, champion.version, self._names.symbol_of(name), downloaded)
            except InvalidBundleError as error:
                self._unusable[name] = champion.version
                self._failed(name, error)
                return
            self._cache.keep(name, champion.version, downloaded)
        self._hand_over(loaded)
        seconds = round(time.perf_counter() - started, 3)
        _log.info("champion loaded", model=name, version=champion.version, seconds=seconds)

    def _fall_back(self) -> None:
        for kept in self._cache.last_good():
            if kept.name not in self._versions:
                self._hand_over(kept)

    def _retire(self, name: str) -> None:
        if self._versions.pop(name, None) is not None:
            self._cache.forget(name)
            self._changed(Retired(name))
            _log.info("there is no champion any more", model=name)

    def _hand_over(self, loaded: LoadedModel) -> None:
        self._versions[loaded.name] = loaded.model.version
        self._changed(loaded)

    def _tell_stale(self, panels_champion: str | None) -> None:
        metrics.MODEL_STALE.set(panels_champion != self._versions.get(self._names.panel))

    def _failed(self, name: str | None, error: Exception) -> None:
        metrics.MODEL_LOAD_FAILURES.inc()
        if name in {None, self._names.panel}:
            metrics.MODEL_STALE.set(1)
        told = f"{type(error).__name__}: {error}"
        _log.warning("champion not loaded, the last good model stays", model=name, error=told)
