"""Models on disk, as they were downloaded."""

import shutil
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from closecast.model_names import ModelNames
from closecast.telemetry.logs import get_logger
from closecast_predictor.snapshot import Model, ModelFiles

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

    @property
    def name(self) -> str:
        """Name of the registered model."""
        return self.model.name

    @classmethod
    def base(cls, name: str) -> "LoadedModel":
        """Return the base under the name of a registered model."""
        return cls(Model.base(name), ModelFiles(name, Model.base(name).version))

    @classmethod
    def read(cls, name: str, version: str, symbol: str | None, folder: Path) -> "LoadedModel":
        """Read a version's folder; see `Model.read`.

        Raises:
            InvalidBundleError: If it is missing a file, or cannot be served by this code.
        """
        return cls(Model.read(name, version, symbol, folder), ModelFiles.read(name, version, symbol, folder))


class ModelCache:
    """Keeps the last good version of each model, so that a restart while MLflow is down does not fall back to the base.

    Args:
        folder: Where; made when it is missing.
        names: Which models there may be.
    """

    def __init__(self, folder: Path, names: ModelNames) -> None:
        self._folder = folder
        self._names = names

    def keep(self, name: str, version: str, downloaded: Path) -> None:
        """Move a version's folder in as the last good one of its model."""
        (self._folder / name).mkdir(parents=True, exist_ok=True)
        kept = self._folder / name / version
        shutil.rmtree(kept, ignore_errors=True)
        shutil.move(downloaded, kept)
        for other in kept.parent.iterdir():
            if other != kept:
                shutil.rmtree(other, ignore_errors=True)

    def forget(self, name: str) -> None:
        """Remove what is kept of a model."""
        shutil.rmtree(self._folder / name, ignore_errors=True)

    def forget_all_but(self, names: Collection[str]) -> None:
        """Remove what is kept of other models than these."""
        for name in self._kept():
            if name not in names:
                self.forget(name)

    def last_good(self) -> Iterator[LoadedModel]:
        """Yield the versions that were kept, one of each model: the highest that is whole."""
        for name in self._kept():
            if (loaded := self._highest(name)) is not None:
                yield loaded

    def _highest(self, name: str) -> LoadedModel | None:
        versions = (folder for folder in (self._folder / name).iterdir() if folder.name.isdecimal())
        for folder in sorted(versions, key=lambda folder: int(folder.name), reverse=True):
            try:
                return LoadedModel.read(name, folder.name, self._names.symbol_of(name), folder)
            except (OSError, ValueError) as error:
                _log.warning("cached model is unusable", model=name, version=folder.name, error=str(error))
        return None

    def _kept(self) -> list[str]:
        """Return the models of which something is kept; folders of other names are not ours."""
        names = sorted(folder.name for folder in self._folder.glob("*/"))
        return [name for name in names if name == self._names.panel or self._names.symbol_of(name) is not None]
