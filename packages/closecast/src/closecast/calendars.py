"""Trading sessions: which days an exchange trades, and when a session is settled."""

from bisect import bisect_left, bisect_right
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Final, NamedTuple

import exchange_calendars

_FIRST_SESSION: Final = "1980-01-01"
_RECORDED_SINCE: Final = {"XBOM": "1997-01-01", "XSES": "1986-01-01", "XTKS": "1997-01-01"}
"""Exchanges whose holidays are recorded from a later day on only."""


class Exchange(NamedTuple):
    """An exchange by its market identifier code (ISO 10383), and the currency that it quotes in."""

    mic: str
    currency: str


_DEFAULT_EXCHANGE: Final = Exchange("XNYS", "USD")
_EXCHANGE_BY_SUFFIX: Final = {
    "SA": Exchange("BVMF", "BRL"),
    "AS": Exchange("XAMS", "EUR"),
    "AX": Exchange("XASX", "AUD"),
    "BA": Exchange("XBUE", "ARS"),
    "BO": Exchange("XBOM", "INR"),
    "BR": Exchange("XBRU", "EUR"),
    "CO": Exchange("XCSE", "DKK"),
    "DE": Exchange("XETR", "EUR"),
    "HE": Exchange("XHEL", "EUR"),
    "HK": Exchange("XHKG", "HKD"),
    "KS": Exchange("XKRX", "KRW"),
    "L": Exchange("XLON", "GBP"),
    "LS": Exchange("XLIS", "EUR"),
    "MC": Exchange("XMAD", "EUR"),
    "MI": Exchange("XMIL", "EUR"),
    "MX": Exchange("XMEX", "MXN"),
    "NS": Exchange("XBOM", "INR"),  # the National Stock Exchange keeps Bombay's holidays
    "OL": Exchange("XOSL", "NOK"),
    "PA": Exchange("XPAR", "EUR"),
    "SI": Exchange("XSES", "SGD"),
    "SN": Exchange("XSGO", "CLP"),
    "ST": Exchange("XSTO", "SEK"),
    "SW": Exchange("XSWX", "CHF"),
    "T": Exchange("XTKS", "JPY"),
    "TO": Exchange("XTSE", "CAD"),
    "TW": Exchange("XTAI", "TWD"),
}


def exchange_of(symbol: str) -> Exchange:
    """Return the exchange of a canonical symbol, by Yahoo's suffix; symbols without one trade in New York."""
    _, _, suffix = symbol.rpartition(".")
    return _EXCHANGE_BY_SUFFIX.get(suffix, _DEFAULT_EXCHANGE) if "." in symbol else _DEFAULT_EXCHANGE


class ExchangeCalendar:
    """The sessions of one exchange, with lookups that cost microseconds.

    Args:
        mic: Market identifier code (ISO 10383), such as ``XNYS`` or ``BVMF``.

    Raises:
        ValueError: If no calendar is known for the code.
    """

    def __init__(self, mic: str) -> None:
        try:
            calendar = exchange_calendars.get_calendar(mic, start=_RECORDED_SINCE.get(mic, _FIRST_SESSION))
        except (
            exchange_calendars.errors.InvalidCalendarName,
            exchange_calendars.errors.CalendarError,
        ) as error:
            msg = f"no trading calendar is known for exchange {mic!r}"
            raise ValueError(msg) from error
        self.mic = mic
        self.timezone: str = str(calendar.tz)
        self._sessions: list[date] = list(calendar.sessions.date)
        self._closes: list[datetime] = [close.replace(tzinfo=UTC) for close in calendar.closes.dt.to_pydatetime()]
        self._close_of = dict(zip(self._sessions, self._closes, strict=True))

    def is_session(self, day: date) -> bool:
        """Tell whether the exchange trades on that day."""
        return day in self._close_of

    def sessions(self, start: date, end: date) -> tuple[date, ...]:
        """Return the sessions from `start` to `end`, both included."""
        return tuple(self._sessions[bisect_left(self._sessions, start) : bisect_right(self._sessions, end)])

    def closes_at(self, session: date) -> datetime:
        """Return the time, in UTC, at which a session closes.

        Raises:
            ValueError: If the exchange does not trade on that day.
        """
        try:
            return self._close_of[session]
        except KeyError:
            msg = f"{session} is not a session of {self.mic}"
            raise ValueError(msg) from None

    def last_settled(self, now: datetime, delay: timedelta = timedelta(0)) -> date:
        """Return the latest session whose close lies at least `delay` before `now` (an aware time)."""
        return self._sessions[bisect_right(self._closes, now - delay) - 1]

    def next_close(self, now: datetime) -> datetime:
        """Return the first close after `now` (an aware time)."""
        return self._closes[bisect_right(self._closes, now)]

    def next_sessions(self, after: date, count: int) -> tuple[date, ...]:
        """Return the `count` sessions that follow a day.

        Raises:
            ValueError: If the day lies before the calendar, or the sessions after it.
        """
        if after < self._sessions[0]:
            msg = f"the calendar of {self.mic} begins on {self._sessions[0]}, after {after}"
            raise ValueError(msg)
        first = bisect_right(self._sessions, after)
        following = tuple(self._sessions[first : first + count])
        if len(following) < count:
            msg = f"the calendar of {self.mic} ends before {count} sessions after {after}"
            raise ValueError(msg)
        return following


@cache
def calendar_of(mic: str) -> ExchangeCalendar:
    """Return the calendar of an exchange, made once a process.

    Raises:
        ValueError: If no calendar is known for the code.
    """
    return ExchangeCalendar(mic)


def calendar_of_symbol(symbol: str) -> ExchangeCalendar:
    """Return the calendar of the exchange that a canonical symbol trades on."""
    return calendar_of(exchange_of(symbol).mic)
