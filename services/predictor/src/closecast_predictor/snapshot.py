"""What the forecaster shares with the replicas that answer: a whole, immutable state."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final, Protocol, Self

from closecast.events import BASE_VERSION
from closecast.forecasting.base import BaseForecaster
from closecast.forecasting.bundle import Bundle
from closecast.forecasting.panel import Panel
from closecast.forecasting.series import Floats
from closecast.forecasting.spec import ONNX_FILE, SPEC_FILE
from closecast_predictor.answers import Answer

_SERVED_FILES: Final = (ONNX_FILE, SPEC_FILE)


class Forecasts(Protocol):
    """What forecasts: a model version or the base."""

    def forecast(self, panel: Panel) -> Floats:
        """Return price quantiles, ``[symbols, horizons, levels]``."""


@dataclass(frozen=True, slots=True)
class Model:
    """The model that speaks: its identity and the thing that forecasts.

    Attributes:
        name: Name of the registered model.
        version: Its version, or "base".
        skill: 1 - mqloss / mqloss of naive when it was trained; none for the base.
        forecaster: Computes the quantiles.
    """

    name: str
    version: str
    skill: float | None
    forecaster: Forecasts

    @property
    def created_at(self) -> datetime | None:
        """When it was trained; none for the base."""
        return self.forecaster.spec.created_at if isinstance(self.forecaster, Bundle) else None

    @classmethod
    def base(cls, name: str) -> Self:
        """Return the base, which speaks while no version has been promoted."""
        return cls(name, BASE_VERSION, None, BaseForecaster())


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """A model version as it travels to the replicas.

    Attributes:
        name: Name of the registered model.
        version: Its version, or "base".
        files: The files of its folder that serving needs; none for the base.
    """

    name: str
    version: str
    files: Mapping[str, bytes] = field(default_factory=dict)

    @classmethod
    def read(cls, name: str, version: str, folder: Path) -> Self:
        """Read a version's folder.

        Raises:
            OSError: If a file is missing.
        """
        return cls(name, version, {file: (folder / file).read_bytes() for file in _SERVED_FILES})

    def load(self, folder: Path) -> Model:
        """Write the files to an empty folder and make them speak.

        Raises:
            InvalidBundleError: If the version cannot be served by this code.
        """
        if not self.files:
            return Model.base(self.name)
        for name, content in self.files.items():
            (folder / name).write_bytes(content)
        bundle = Bundle.load(folder)
        return Model(self.name, self.version, bundle.spec.skill, bundle)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything that answers need at one moment; one model made all of it.

    Attributes:
        token: Identifies the snapshot, across restarts of the forecaster too.
        model: Name of the model that made it.
        version: Version of the model that made it.
        answers: The answer of each symbol.
    """

    token: str
    model: str
    version: str
    answers: Mapping[str, Answer]
