"""When to ask: after each exchange's close, and again for what was not there."""

import threading
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Final

from closecast.calendars import calendar_of_symbol
from closecast.telemetry.logs import get_logger
from closecast_ingestor import metrics
from closecast_ingestor.rounds import Outcome

_MOST_TRIES: Final = 8
_LONGEST_RETRY: Final = timedelta(hours=1)
_LONGEST_NAP_S: Final = 60.0
"""Naps are short, so that a clock that was set, or a laptop that slept, is noticed."""

_log = get_logger(__name__)


class Schedule:
    """Knows which symbols have a settled session that was not asked for yet, and when the next one settles.

    Attributes:
        symbols: The universe.

    Args:
        symbols: The universe as it is at first.
        delay: How long after its close a session is settled.
        retry: Wait before the first further try for symbols that failed; it doubles with each.
    """

    def __init__(self, symbols: Sequence[str], delay: timedelta, retry: timedelta) -> None:
        self.symbols = list(symbols)
        self._delay = delay
        self._retry = retry
        self._done: dict[str, date] = {}
        self._tries = 0

    def add(self, symbols: Iterable[str], published: datetime | None = None) -> None:
        """Add symbols to the universe.

        Args:
            symbols: The symbols; those that are in it stay.
            published: When all of their settled sessions were published; None if they were not.
        """
        for symbol in symbols:
            if symbol not in self.symbols:
                self.symbols.append(symbol)
            if published is not None:
                self._done[symbol] = self._settled(symbol, published)

    def due(self, now: datetime) -> list[str]:
        """Return the symbols to ask for now."""
        return [symbol for symbol in self.symbols if self._done.get(symbol) != self._settled(symbol, now)]

    def note(self, asked: Collection[str], outcome: Outcome, now: datetime) -> None:
        """Take in how a round went that began at `now`; after some tries a symbol is left until its next session."""
        missing = set(outcome.failed) | set(outcome.behind)
        self._tries = self._tries + 1 if missing else 0
        if self._tries > _MOST_TRIES:
            _log.error("given up until the next session", symbols=sorted(missing), tries=self._tries)
            missing, self._tries = set(), 0
        for symbol in asked:
            if symbol not in missing:
                self._done[symbol] = self._settled(symbol, now)

    def next_round(self, now: datetime) -> datetime:
        """Return when to ask again: after the next close, or sooner if symbols are missing."""
        settles = self.next_settled(now)
        if not self.due(now):
            return settles
        wait: timedelta = self._retry * 2 ** max(0, self._tries - 1)
        return min(settles, now + min(wait, _LONGEST_RETRY))

    def next_settled(self, now: datetime) -> datetime:
        """Return when the next session of any symbol settles."""
        calendars = {calendar_of_symbol(symbol) for symbol in self.symbols}
        return min(calendar.next_close(now - self._delay) + self._delay for calendar in calendars)

    def tell(self, now: datetime) -> None:
        """Tell Prometheus which session of each exchange has settled, so that it sees what is missing."""
        for calendar in {calendar_of_symbol(symbol) for symbol in self.symbols}:
            session = calendar.last_settled(now, self._delay)
            metrics.SETTLED_SESSION.labels(calendar.mic).set(calendar.closes_at(session).timestamp())

    def _settled(self, symbol: str, now: datetime) -> date:
        return calendar_of_symbol(symbol).last_settled(now, self._delay)


def follow(
    schedule: Schedule,
    ask: Callable[[Sequence[str], datetime], Outcome],
    nap: Callable[[float], object],
    stop: threading.Event,
) -> None:
    """Ask for what is due, at once and after every close, until `stop` is set.

    Args:
        schedule: Knows what is due.
        ask: Asks the source for symbols and tells how that went.
        nap: Passes the time until there is something to ask for; it is given the most seconds that it may take, and
            may add to the schedule.
        stop: Ends it.
    """
    while not stop.is_set():
        now = datetime.now(UTC)
        schedule.tell(now)
        due = schedule.due(now)
        if due:
            schedule.note(due, ask(due, now), now)
        wake = schedule.next_round(datetime.now(UTC))
        metrics.NEXT_ROUND.set(wake.timestamp())
        _log.info("waiting for the next round", at=wake.isoformat(timespec="seconds"))
        while not stop.is_set() and (left := (wake - datetime.now(UTC)).total_seconds()) > 0:
            schedule.tell(datetime.now(UTC))
            nap(min(left, _LONGEST_NAP_S))
            wake = min(wake, schedule.next_settled(datetime.now(UTC)))
