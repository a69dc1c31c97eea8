"""From a source's rows to quotes: settled sessions only, every bad row set aside with the reason."""

import math
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from closecast.calendars import ExchangeCalendar, calendar_of, exchange_of
from closecast.events import Quote, describe_errors
from closecast_ingestor.adjustments import derive_actions
from closecast_ingestor.sources.base import PRICE_DECIMALS, History, Reject, Row

UNSETTLED: Final = "unsettled"
"""The session has not closed, or closed less than the settle delay ago."""

INCOMPLETE: Final = "incomplete"
"""The source's last row has no close yet; it follows in a later answer."""

NO_TRADE: Final = "no-trade"
"""The row holds neither a price nor volume."""


@dataclass(frozen=True, slots=True)
class Window:
    """Which sessions are wanted, and when they count as settled.

    Attributes:
        start: First session wanted.
        end: Last session wanted.
        now: The present, in UTC.
        delay: How long after its close a session is settled.
    """

    start: date
    end: date
    now: datetime
    delay: timedelta

    @property
    def since(self) -> datetime:
        """A time, in UTC, before which no session wanted has closed, wherever its exchange is."""
        return datetime(self.start.year, self.start.month, self.start.day, tzinfo=UTC) - timedelta(days=1)


@dataclass(slots=True)
class Prepared:
    """What one symbol's history came to.

    Attributes:
        symbol: Canonical symbol.
        quotes: Its settled quotes in the window, in order.
        rejects: Rows that can't become a quote.
        skipped: Rows left out without fault, by reason.
    """

    symbol: str
    quotes: list[Quote] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)


def prepare(history: History, source: str, window: Window) -> Prepared:
    """Return the settled quotes in a history, and what is not one."""
    exchange = exchange_of(history.symbol)
    calendar = calendar_of(exchange.mic)
    prepared = Prepared(history.symbol)
    rows = _usable_rows(history, calendar, window, prepared)
    if history.folding is not None:
        derive_actions(rows, history.folding)
    carried = _Actions()
    for row in rows:
        if not window.start <= row.session <= window.end:
            continue
        carried.move_to(row)
        try:
            prepared.quotes.append(
                Quote(
                    symbol=history.symbol,
                    session=row.session,
                    exchange=exchange.mic,
                    open=row.open,
                    high=row.high,
                    low=row.low,
                    close=row.close,
                    adjusted_close=round(row.adjusted_close, PRICE_DECIMALS),
                    volume=row.volume,
                    dividend=row.dividend,
                    split=row.split,
                    currency=exchange.currency,
                    source=source,
                    as_of=window.now,
                )
            )
        except ValidationError as error:
            carried.take(row)
            history.reject(row, describe_errors(error))
    prepared.rejects = [
        reject
        for reject in history.rejects
        if reject.session is None or window.start <= reject.session <= window.end or reject.session > window.now.date()
    ]
    return prepared


def _usable_rows(history: History, calendar: ExchangeCalendar, window: Window, prepared: Prepared) -> list[Row]:
    """Return the rows of settled sessions with a close; the others are rejected or counted as skipped."""
    settled = calendar.last_settled(window.now, window.delay)
    usable: list[Row] = []
    carried = _Actions()
    for row in history.rows:
        priced = 0 < row.close < math.inf and 0 < row.adjusted_close < math.inf
        if priced and row.session <= settled and calendar.is_session(row.session):
            carried.move_to(row)
            usable.append(row)
        else:
            _set_aside(row, history, calendar, window, prepared)
            if row.session <= settled:
                carried.take(row)
    return usable


def _set_aside(row: Row, history: History, calendar: ExchangeCalendar, window: Window, prepared: Prepared) -> None:
    """Reject a row that is no quote, or count why it is left out without fault."""
    today = window.now.astimezone(ZoneInfo(calendar.timezone)).date()
    if row.session > today:
        history.reject(row, f"session: {row.session} lies in the future")
    elif not calendar.is_session(row.session):
        history.reject(row, f"session: {row.session} is no session of {calendar.mic}")
    elif row.session > calendar.last_settled(window.now, window.delay):
        prepared.skipped[UNSETTLED] += 1
    elif math.isnan(row.close) and row is history.rows[-1]:
        prepared.skipped[INCOMPLETE] += 1
    elif math.isnan(row.close) and math.isnan(row.open) and not row.volume:
        prepared.skipped[NO_TRADE] += 1
    else:
        history.reject(row, _price_fault(row))


def _price_fault(row: Row) -> str:
    name, value = ("adjusted_close", row.adjusted_close) if 0 < row.close < math.inf else ("close", row.close)
    return f"{name}: {value} is no price, which must be finite and above 0"


@dataclass(slots=True)
class _Actions:
    """Dividends and splits of rows that are left out: the next row takes them over, so that no return misses them."""

    dividend: float = 0.0
    split: float = 1.0

    def take(self, row: Row) -> None:
        self.dividend = self.dividend / row.split + row.dividend
        self.split *= row.split

    def move_to(self, row: Row) -> None:
        if self.dividend or self.split != 1:
            row.dividend += self.dividend / row.split
            row.split *= self.split
            self.dividend, self.split = 0.0, 1.0
