"""All that the forecaster knows: windows, forecasts, answers, and what is still to be scored."""

import threading
from collections.abc import Iterable
from datetime import date

from closecast.events import Event, Forecast, Quote
from closecast_predictor import metrics
from closecast_predictor.answers import Answer
from closecast_predictor.inference import forecast_symbols
from closecast_predictor.scoring import Score, Scoreboard
from closecast_predictor.snapshot import Model
from closecast_predictor.windows import Window, Windows


class Book:
    """Takes quotes in, and forecasts the symbols that they changed.

    Args:
        sessions: Sessions of each symbol that are kept.
    """

    def __init__(self, sessions: int) -> None:
        self._windows = Windows(sessions)
        self._answers: dict[str, Answer] = {}
        self._forecasts: dict[str, Forecast] = {}
        self._scoreboard = Scoreboard()
        self._earlier: list[Forecast] = []
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

    def recall(self, event: Event) -> None:
        """Take in what was on the topics before the start; nothing of it is scored."""
        if isinstance(event, Quote):
            self._windows.apply(event)
        elif isinstance(event, Forecast):
            self._earlier.append(event)

    def open(self) -> None:
        """End the recalling: forecasts whose sessions have not closed yet go on to the scoreboard."""
        for forecast in self._earlier:
            self._forecasts[forecast.symbol] = forecast
            if forecast.symbol in self._windows:
                self._scoreboard.expect(forecast, self._windows[forecast.symbol].last_session)
        self._earlier.clear()

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

    def take(self, quotes: Iterable[Quote]) -> tuple[set[str], list[Score]]:
        """Take new quotes in; return the symbols that they changed, and the scores of the forecasts they judge."""
        changed: set[str] = set()
        scores: list[Score] = []
        with self._changing:
            for quote in quotes:
                if self._windows.apply(quote):
                    changed.add(quote.symbol)
                    scores += self._scoreboard.close(quote, self._windows[quote.symbol])
        return changed, scores

    def forecast(self, model: Model, symbols: Iterable[str]) -> list[Forecast]:
        """Forecast these symbols, all others stay as they are; return the forecasts that say something new."""
        with metrics.INFERENCE_DURATION.labels("snapshot").time():
            made = forecast_symbols(model, self._windows, tuple(sorted(symbols)))
        new = [forecast for forecast in made if not _repeats(self._forecasts.get(forecast.symbol), forecast)]
        for forecast in made:
            self._forecasts[forecast.symbol] = forecast
            self._answers[forecast.symbol] = Answer.of(forecast)
            self._scoreboard.expect(forecast, forecast.origin)
        return new


def _repeats(earlier: Forecast | None, forecast: Forecast) -> bool:
    return earlier is not None and earlier.model_copy(update={"made_at": forecast.made_at}) == forecast
