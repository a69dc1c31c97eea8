"""What the forecaster shares with the replicas that answer: a whole, immutable state."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Final, Generic, Protocol, Self, TypeVar

from closecast.events import BASE_VERSION
from closecast.forecasting.base import BaseForecaster
from closecast.forecasting.bundle import Bundle
from closecast.forecasting.panel import Panel
from closecast.forecasting.series import Floats
from closecast.forecasting.spec import ONNX_FILE, SPEC_FILE, InvalidBundleError, ModelSpec
from closecast_predictor.answers import Answer

_SERVED_FILES: Final = (ONNX_FILE, SPEC_FILE)
_OF_THE_BASE: Final = "the base, which speaks until a version is promoted"
_OF_THE_PANEL: Final = "the panel's champion, which speaks for every symbol that has none of its own"

T = TypeVar("T")
U = TypeVar("U")


class Forecasts(Protocol):
    """What forecasts: a model version or the base."""

    def forecast(self, panel: Panel) -> Floats:
        """Return price quantiles, ``[symbols, horizons, levels]``."""


@dataclass(frozen=True, slots=True)
class Model:
    """A model that speaks: its identity and the thing that forecasts.

    Attributes:
        name: Name of the registered model.
        version: Its version, or "base".
        skill: 1 - mqloss / mqloss of naive when it was trained; none for the base.
        why: Why it speaks.
        forecaster: Computes the quantiles.
    """

    name: str
    version: str
    skill: float | None
    why: str
    forecaster: Forecasts

    @property
    def created_at(self) -> datetime | None:
        """When it was trained; none for the base."""
        return self.forecaster.spec.created_at if isinstance(self.forecaster, Bundle) else None

    def forecast(self, panel: Panel) -> list[tuple[Self, Floats]]:
        """Return for each history who speaks, and its price quantiles, ``[horizons, levels]``.

        That is this model, or the base in its place, with the reason.
        """
        left = self.forecaster.unfamiliar(panel) if isinstance(self.forecaster, Bundle) else {}
        return [
            (self._as_base(left[row]) if row in left else self, quantiles)
            for row, quantiles in enumerate(self.forecaster.forecast(panel))
        ]

    def _as_base(self, reason: str) -> Self:
        return replace(self, version=BASE_VERSION, skill=None, why=f"the base, because {reason}")

    @classmethod
    def base(cls, name: str) -> Self:
        """Return the base, which speaks while no version has been promoted."""
        return cls(name, BASE_VERSION, None, _OF_THE_BASE, BaseForecaster())

    @classmethod
    def read(cls, name: str, version: str, symbol: str | None, folder: Path) -> Self:
        """Read a version's folder.

        Args:
            name: Name of the registered model.
            version: Its version.
            symbol: The one symbol that it is the own model of; None for the panel's.
            folder: Holds model.onnx and spec.json.

        Raises:
            InvalidBundleError: If it cannot be served by this code, or was trained on other symbols.
        """
        bundle = Bundle.load(folder)
        if symbol is None:
            return cls(name, version, bundle.spec.skill, _OF_THE_PANEL, bundle)
        if bundle.spec.universe != (symbol,):
            raise InvalidBundleError(f"{name} speaks for {symbol} alone, but was trained on {bundle.spec.universe}")
        return cls(name, version, bundle.spec.skill, _why_own(bundle.spec), bundle)


def _why_own(spec: ModelSpec) -> str:
    """Return why a symbol's own model speaks, from the backtest that it was judged in."""
    own, panel = (spec.metrics.get(model, {}).get("mqloss") for model in ("candidate", "panel"))
    if own is None or panel is None:
        return "the symbol's own champion; the panel had none that it could be judged beside"
    told = f"version {spec.panel_version} in the same backtest (mqloss {own:.6g} against {panel:.6g})"
    if own < panel:
        return f"the symbol's own champion, which beat the panel's {told}"
    return f"the symbol's own champion, chosen by a person though it did not beat the panel's {told}"


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """A model version as it travels to the replicas.

    Attributes:
        name: Name of the registered model.
        version: Its version, or "base".
        symbol: The one symbol that it is the own model of; None for the panel's.
        files: The files of its folder that serving needs; none for the base.
    """

    name: str
    version: str
    symbol: str | None = None
    files: Mapping[str, bytes] = field(default_factory=dict)

    @classmethod
    def read(cls, name: str, version: str, symbol: str | None, folder: Path) -> Self:
        """Read a version's folder.

        Raises:
            OSError: If a file is missing.
        """
        return cls(name, version, symbol, {file: (folder / file).read_bytes() for file in _SERVED_FILES})

    def load(self, folder: Path) -> Model:
        """Write the files to an empty folder and make them speak.

        Raises:
            InvalidBundleError: If the version cannot be served by this code.
        """
        if not self.files:
            return Model.base(self.name)
        for name, content in self.files.items():
            (folder / name).write_bytes(content)
        return Model.read(self.name, self.version, self.symbol, folder)


@dataclass(frozen=True, slots=True)
class Lineup(Generic[T]):
    """Who speaks for which symbol: its own champion, else the panel's, else the base.

    Attributes:
        panel: The panel's champion, or the base.
        own: Champions of single symbols, by symbol; each speaks for that symbol alone.
    """

    panel: T
    own: Mapping[str, T] = field(default_factory=dict)

    def of(self, symbol: str | None) -> T:
        """Return what speaks for a symbol; None stands for a history of no known symbol."""
        return self.panel if symbol is None else self.own.get(symbol, self.panel)

    def __iter__(self) -> Iterator[T]:
        """Iterate over all of them, the panel's first."""
        yield self.panel
        yield from self.own.values()

    def map(self, make: Callable[[T], U]) -> "Lineup[U]":
        """Return the same lineup of what is made of each."""
        return Lineup(make(self.panel), {symbol: make(one) for symbol, one in self.own.items()})


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything that answers need at one moment; one lineup of models made all of it.

    Attributes:
        token: Identifies the snapshot, across restarts of the forecaster too.
        model: Name of the panel's model.
        version: Version of the panel's model that it was made with.
        answers: The answer of each symbol; with a base, of each whose answer is another than there.
        base: Token of the snapshot that holds the other answers; none if these are all.
    """

    token: str
    model: str
    version: str
    answers: Mapping[str, Answer]
    base: str | None = None

    def since(self, earlier: Self) -> Self:
        """Return this whole snapshot as one based on an earlier whole one: a thousand symbols travel as one or two."""
        changed = {symbol: one for symbol, one in self.answers.items() if earlier.answers.get(symbol) is not one}
        return replace(self, answers=changed, base=earlier.token)

    def whole(self, held: Self | None) -> Self:
        """Return all of this snapshot.

        Args:
            held: The whole snapshot that there is; this one is based on it, or on none.

        Raises:
            LookupError: If it is based on another.
        """
        if self.base is None:
            return self
        if held is None or held.token != self.base:
            raise LookupError(f"snapshot {self.token} is based on {self.base}, not on {held and held.token}")
        return replace(self, answers={**held.answers, **self.answers}, base=None)
