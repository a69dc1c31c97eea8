"""What the whole deployment tells of itself."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from closecast_predictor import metrics
from closecast_predictor.book import Book
from closecast_predictor.hardware import Hardware, HardwareMeter
from closecast_predictor.snapshot import Model
from closecast_predictor.track_record import Outcome, SymbolScores
from closecast_predictor.usage import Requests, read_requests


@dataclass(frozen=True, slots=True)
class SpeakingModel:
    """The model that speaks for the whole panel.

    Attributes:
        model: Name of the registered model.
        version: Its version, or "base".
        age_seconds: Seconds since it was trained; none for the base.
    """

    model: str
    version: str
    age_seconds: int | None


@dataclass(frozen=True, slots=True)
class Kafka:
    """How far the forecaster is behind the topics.

    Attributes:
        lag: Records still to be read, by topic.
    """

    lag: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Stats:
    """The deployment at one moment.

    Attributes:
        since: When the oldest forecasts were made that are scored.
        symbols: The live error of every symbol.
        requests: What HTTP was asked.
        hardware: What the deployment uses of its machine.
        kafka: How far the forecaster is behind.
        model: The model that speaks.
    """

    since: datetime
    symbols: tuple[SymbolScores, ...]
    requests: Requests
    hardware: Hardware
    kafka: Kafka
    model: SpeakingModel


@dataclass(frozen=True, slots=True)
class SymbolStats:
    """One symbol at one moment.

    Attributes:
        since: When the oldest forecasts were made that are scored.
        symbols: The live error of this symbol alone.
        past: Its past forecasts beside what came.
    """

    since: datetime
    symbols: tuple[SymbolScores, ...]
    past: tuple[Outcome, ...]


class Knowing(Protocol):
    """What statistics are drawn from: the engine."""

    @property
    def book(self) -> Book:
        """Windows and past forecasts; raises `NotReadyError` while they are being read."""

    @property
    def lag(self) -> Mapping[str, int]:
        """Records still to be read, by topic."""

    @property
    def model(self) -> Model:
        """The model that speaks."""


class Statistics:
    """Draws up statistics on demand; any thread may ask.

    Args:
        engine: Whose.
    """

    def __init__(self, engine: Knowing) -> None:
        self._engine = engine
        self._hardware = HardwareMeter()

    def of_all(self) -> Stats:
        """Return the figures of the whole deployment.

        Raises:
            NotReadyError: If the quotes have not been read yet.
        """
        book = self._engine.book
        return Stats(
            since=book.scored_since,
            symbols=book.scores(),
            requests=read_requests(metrics.registry()),
            hardware=self._hardware.read(),
            kafka=Kafka(self._engine.lag),
            model=_speaking(self._engine.model),
        )

    def of(self, symbol: str, *, late: bool) -> SymbolStats | None:
        """Return how the forecasts of a symbol have fared, None if there is no quote of it.

        Args:
            symbol: The symbol.
            late: Whether to tell of forecasts too that were made after their session had closed.

        Raises:
            NotReadyError: If the quotes have not been read yet.
        """
        book = self._engine.book
        record = book.track_record(symbol)
        if record is None:
            return None
        return SymbolStats(book.scored_since, (record.scores(),), tuple(record.outcomes(late=late)))


def _speaking(model: Model) -> SpeakingModel:
    age = None if model.created_at is None else int((datetime.now(UTC) - model.created_at).total_seconds())
    return SpeakingModel(model.name, model.version, age)
