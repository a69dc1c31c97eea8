"""What every source gives: rows as it wrote them, and the lines that are no rows."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import Enum
from typing import Final, Protocol

PRICE_DECIMALS: Final = 6
"""Prices are rounded to this many decimals where they enter; no exchange has a finer tick."""


class SourceError(RuntimeError):
    """A source can't give a symbol, or anything at all; the message says why and where."""


class Folding(Enum):
    """How an adjusted close folds a dividend D with ex-date t into the closes before it."""

    YAHOO = "times 1 - D / close(t-1)"
    TOTAL_RETURN = "divided by 1 + D / close(t)"


@dataclass(slots=True)
class Row:
    """One session as a source gives it.

    Attributes:
        session: Trading day.
        open: First price, as traded (as are `high`, `low`, `close`).
        high: Highest price.
        low: Lowest price.
        close: Last price.
        adjusted_close: Close as the source adjusts it for later splits and dividends.
        volume: Shares traded.
        original: The bytes that the source gave, kept for a dead letter.
        line: Line in the file that the row is on, None where there is no file.
        dividend: Cash per share, where this is the ex-date.
        split: New shares per old one, where they begin to trade on this session.
    """

    session: date
    open: float
    high: float
    low: float
    close: float
    adjusted_close: float
    volume: int
    original: bytes
    line: int | None = None
    dividend: float = 0.0
    split: float = 1.0


@dataclass(frozen=True, slots=True)
class Reject:
    """What a source gave that can't become a quote.

    Attributes:
        symbol: Canonical symbol.
        session: Its day as far as it could be read.
        original: The bytes as they came.
        reason: What is wrong, naming the field.
        origin: The source and, for a file, its name.
        line: Line in that file.
    """

    symbol: str
    session: date | None
    original: bytes
    reason: str
    origin: str
    line: int | None = None


@dataclass(slots=True)
class History:
    """All that a source knows of one symbol over a range, in order of session.

    Attributes:
        symbol: Canonical symbol.
        origin: The source and, for a file, its name.
        rows: The rows that could be read.
        rejects: The lines that could not.
        folding: How dividends and splits are told by `adjusted_close` alone; None if the rows carry them.
    """

    symbol: str
    origin: str
    rows: list[Row] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    folding: Folding | None = None

    def reject(self, row: Row, reason: str) -> None:
        """Set a row aside as one that can't become a quote."""
        self.rejects.append(Reject(self.symbol, row.session, row.original, reason, self.origin, row.line))


@dataclass(frozen=True, slots=True)
class Failure:
    """A symbol that the source could not give.

    Attributes:
        symbol: Canonical symbol.
        reason: Why, in words for the operator.
        unknown: Whether the source has nothing of it, so that asking again would not help.
    """

    symbol: str
    reason: str
    unknown: bool = False


class Source(Protocol):
    """Where quotes are read."""

    @property
    def name(self) -> str:
        """Name of the source as quotes carry it."""
        ...

    def symbols(self) -> tuple[str, ...]:
        """Return every symbol that the source has; none where it can't tell.

        Raises:
            SourceError: If the source can't be read.
        """
        ...

    def histories(self, symbols: Sequence[str], start: date, end: date) -> Iterator[History | Failure]:
        """Yield the history of each symbol, or why there is none.

        A history covers at least `start` to `end` (inclusive).
        """
        ...
