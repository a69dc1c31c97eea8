"""A settled daily quote."""

from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, ClassVar, Final, Self

from pydantic import AwareDatetime, Field, model_validator

from closecast.calendars import calendar_of
from closecast.events.base import Event
from closecast.symbols import Symbol

_CLOCK_SKEW: Final = timedelta(minutes=5)

Price = Annotated[float, Field(gt=0, le=1e12)]


class Quote(Event):
    """Prices and volume of one symbol on one settled session, as they were traded on that day.

    A quote is identified by symbol, session and revision. A correction is the same symbol and session with the next
    revision. The log return from one session to the next is ``log(split * (close + dividend) / previous close)``,
    so that neither a split nor a dividend shows as a jump.
    """

    example: ClassVar[dict[str, Any]] = {
        "schema_version": "1.0",
        "symbol": "PETR4.SA",
        "session": "2025-06-16",
        "exchange": "BVMF",
        "open": 32.51,
        "high": 32.98,
        "low": 32.33,
        "close": 32.72,
        "adjusted_close": 31.9,
        "volume": 41_230_100,
        "dividend": 0.0,
        "split": 1.0,
        "currency": "BRL",
        "source": "yahoo",
        "revision": 0,
        "as_of": "2025-06-16T21:30:00Z",
    }

    symbol: Symbol = Field(description="Canonical symbol in Yahoo's notation.")
    session: date = Field(description="Trading day, in the time zone of the exchange.")
    exchange: str = Field(description="Market identifier code (ISO 10383) of the calendar that the session is of.")
    open: Price = Field(description="First price, as traded.")
    high: Price = Field(description="Highest price, as traded.")
    low: Price = Field(description="Lowest price, as traded.")
    close: Price = Field(description="Last price, as traded.")
    adjusted_close: Price = Field(
        description="Close as the source adjusts it for later splits and dividends; it depends on the day it was read."
    )
    volume: int = Field(ge=0, description="Shares traded.")
    dividend: float = Field(default=0.0, ge=0, description="Cash paid per share, where this session is the ex-date.")
    split: float = Field(default=1.0, gt=0, description="New shares per old one from this session on; 1 for no split.")
    currency: str = Field(pattern=r"^[A-Z]{3}$", description="Currency of the prices (ISO 4217).")
    source: str = Field(min_length=1, max_length=40, description="Where the quote was read.")
    revision: int = Field(default=0, ge=0, description="0 for the first publication, one more for each correction.")
    as_of: AwareDatetime = Field(description="When the quote was read; never before its session closed.")

    @model_validator(mode="after")
    def _is_settled(self) -> Self:
        if self.low > self.high:
            msg = f"low: {self.low} lies above high {self.high}"
            raise ValueError(msg)
        closed_at = calendar_of(self.exchange).closes_at(self.session)
        if self.as_of < closed_at:
            msg = f"session: {self.session} closes at {closed_at:%Y-%m-%d %H:%M}Z, after as_of"
            raise ValueError(msg)
        if self.as_of > datetime.now(UTC) + _CLOCK_SKEW:
            msg = f"as_of: {self.as_of:%Y-%m-%d %H:%M} lies in the future"
            raise ValueError(msg)
        return self

    def key(self) -> bytes:
        """Return ``symbol|session``: compaction keeps the latest revision."""
        return quote_key(self.symbol, self.session)

    def partition_key(self) -> bytes:
        """Return the symbol: the sessions of a symbol stay in order."""
        return self.symbol.encode()

    def timestamp(self) -> datetime:
        """Return the close of the session, so that readers find a session by time."""
        return calendar_of(self.exchange).closes_at(self.session)

    def content(self) -> tuple[float, ...]:
        """Return what a correction would change: prices as traded, volume, dividend and split."""
        return (self.open, self.high, self.low, self.close, self.volume, self.dividend, self.split)


def quote_key(symbol: str, session: date) -> bytes:
    """Return the record key of a symbol's session."""
    return f"{symbol}|{session.isoformat()}".encode()
