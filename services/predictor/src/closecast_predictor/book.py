"""All that the forecaster knows: windows, forecasts, answers, and how past forecasts have fared."""

import threading
from collections.abc import Iterable
from datetime import date, datetime

from closecast.events import Event, Forecast, Quote
from closecast.telemetry.logs import get_logger
from closecast_predictor import metrics
from closecast_predictor.answers import Answer
from closecast_predictor.inference import forecast_symbols
from closecast_predictor.scoring import DEFAULT_SCORE_DAYS, Score, Scoreboard
from closecast_predictor.snapshot import Lineup, Model
from closecast_predictor.track_record import SymbolScores, TrackRecord
from closecast_predictor.windows import Window, Windows

_log = get_logger(__name__)


class Book:
    """Takes quotes in, and forecasts the symbols that they changed.

    Args:
        sessions: Sessions of each symbol that are kept.
        score_days: Days of forecasts that are scored.
    """

    def __init__(self, sessions: int, score_days: int = DEFAULT_SCORE_DAYS) -> None:
        self._windows = Windows(sessions)
        self._answers: dict[str, Answer] = {}
        self._forecasts: dict[str, Forecast] = {}
        self._scoreboard = Scoreboard(score_days)
        self._scores: tuple[datetime, tuple[SymbolScores, ...]] | None = None
        self._changing = threading.Lock()

    def __len__(self) -> int:
        return len(self._windows)

    @property
    def symbols(self) -> tuple[str, ...]:
        """All symbols that there are quotes of."""
        return self._windows.symbols

    @property
    def answers(self) -> dict[str, Answer]:
        """The answers of all symbols, a copy that stays as it is."""
        return dict(self._answers)

    @property
    def scored_since(self) -> datetime:
        """When the oldest forecasts were made that are scored."""
        return self._scoreboard.since

    def recall(self, event: Event) -> None:
        """Take in what was on the topics before the start; no metric counts any of it."""
        if isinstance(event, Quote):
            self._windows.apply(event)
        elif isinstance(event, Forecast):
            try:
                self._scoreboard.note(event)
            except ValueError as error:
                _log.warning("forecast not kept", symbol=event.symbol, origin=str(event.origin), error=str(error))
            else:
                self._forecasts[event.symbol] = event

    def last_session(self, symbol: str) -> date:
        """Return the latest session of a symbol.

        Raises:
            KeyError: If there is no quote of it.
        """
        return self._windows[symbol].last_session

    def window(self, symbol: str, sessions: int) -> Window | None:
        """Return the latest sessions of a symbol, a copy; None if there is no quote of it. Any thread may ask."""
        with self._changing:
            return self._windows[symbol].latest(sessions) if symbol in self._windows else None

    def scores(self) -> tuple[SymbolScores, ...]:
        """Return how the forecasts of every symbol have fared. Any thread may ask."""
        with self._changing:
            since = self._scoreboard.since
            if self._scores is None or self._scores[0] != since:
                self._scores = since, tuple(self._track_record(symbol).scores() for symbol in self.symbols)
            return self._scores[1]

    def track_record(self, symbol: str) -> TrackRecord | None:
        """Return the past forecasts of a symbol; None if there is no quote of it. Any thread may ask."""
        with self._changing:
            return self._track_record(symbol) if symbol in self._windows else None

    def latest_scores(self, symbol: str, sessions: int) -> list[Score]:
        """Return how the forecasts of a symbol one session ahead have fared in its latest sessions."""
        return self._scoreboard.latest(self._windows[symbol], sessions)

    def take(self, quotes: Iterable[Quote]) -> tuple[set[str], list[Score]]:
        """Take new quotes in; return the symbols that they changed, and the scores of the forecasts they judge."""
        changed: set[str] = set()
        scores: list[Score] = []
        with self._changing:
            for quote in quotes:
                correction = self._windows.holds(quote.symbol, quote.session)
                if self._windows.apply(quote):
                    changed.add(quote.symbol)
                    scores += [] if correction else self._scoreboard.close(quote, self._windows[quote.symbol])
            self._scores = None
        return changed, scores

    def forecast(self, models: Lineup[Model], symbols: Iterable[str]) -> list[Forecast]:
        """Forecast these symbols, all others stay as they are; return the forecasts that say something new."""
        with metrics.INFERENCE_DURATION.labels("snapshot").time():
            made = forecast_symbols(models, self._windows, symbols)
        # One that only repeats what was said keeps the time at which it was said first.
        new = [forecast for forecast in made if not _repeats(self._forecasts.get(forecast.symbol), forecast)]
        with self._changing:
            for forecast in new:
                self._forecasts[forecast.symbol] = forecast
                self._scoreboard.note(forecast)
            self._scores = None
        self._answers |= {one.symbol: Answer.of(self._forecasts[one.symbol]) for one in made}
        return new

    def _track_record(self, symbol: str) -> TrackRecord:
        return TrackRecord(self._scoreboard.forecasts(symbol), self._windows[symbol])


def _repeats(earlier: Forecast | None, forecast: Forecast) -> bool:
    return earlier is not None and earlier.model_copy(update={"made_at": forecast.made_at}) == forecast
