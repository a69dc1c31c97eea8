"""The daily history of one symbol as arrays."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, Protocol, Self, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats: TypeAlias = NDArray[np.float64]
Integers: TypeAlias = NDArray[np.int64]
Sessions: TypeAlias = NDArray[np.datetime64]

PRICES: Final = ("open", "high", "low", "close")


class InvalidSeriesError(ValueError):
    """Rows that make no history of a symbol; the message names what is wrong."""


class QuoteLike(Protocol):
    """What a history needs of a quote; `closecast.events.Quote` has it."""

    @property
    def symbol(self) -> str: ...  # noqa: D102
    @property
    def session(self) -> date: ...  # noqa: D102
    @property
    def open(self) -> float: ...  # noqa: D102
    @property
    def high(self) -> float: ...  # noqa: D102
    @property
    def low(self) -> float: ...  # noqa: D102
    @property
    def close(self) -> float: ...  # noqa: D102
    @property
    def volume(self) -> int: ...  # noqa: D102
    @property
    def dividend(self) -> float: ...  # noqa: D102
    @property
    def split(self) -> float: ...  # noqa: D102
    @property
    def revision(self) -> int: ...  # noqa: D102


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """One symbol's sessions, oldest first; every array has one entry a session.

    Attributes:
        symbol: The symbol.
        sessions: Trading days (``datetime64[D]``), strictly ascending.
        open: First price as traded; NaN where only closes are known, as are high, low and volume.
        high: Highest price as traded.
        low: Lowest price as traded.
        close: Last price as traded, finite and above 0.
        volume: Shares traded.
        log_return: ``log(split * (close + dividend) / previous close)``; the first is NaN.
        overnight: The part of `log_return` from the previous close to the open; the first is NaN.
    """

    symbol: str
    sessions: Sessions
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats
    log_return: Floats
    overnight: Floats

    def __len__(self) -> int:
        return len(self.close)

    @classmethod
    def from_columns(
        cls,
        symbol: str,
        *,
        session: ArrayLike | Sequence[date],
        open: ArrayLike,  # noqa: A002
        high: ArrayLike,
        low: ArrayLike,
        close: ArrayLike,
        volume: ArrayLike,
        dividend: ArrayLike = 0.0,
        split: ArrayLike = 1.0,
        revision: ArrayLike = 0,
    ) -> Self:
        """Make a series from columns in any order; of rows with the same session the highest revision counts.

        Args:
            symbol: The symbol.
            session: Trading days, as dates, ISO texts or ``datetime64``.
            open: First price as traded.
            high: Highest price as traded.
            low: Lowest price as traded.
            close: Last price as traded.
            volume: Shares traded.
            dividend: Cash paid per share, on the ex-date.
            split: New shares per old one from this session on.
            revision: Revision of the row.

        Raises:
            InvalidSeriesError: If there is no row, columns differ in length, or a price is not finite and above 0.
        """
        sessions = np.atleast_1d(np.asarray(session, dtype="datetime64[D]"))
        rows = len(sessions)
        if rows == 0:
            raise InvalidSeriesError(f"{symbol}: has no session")
        named: dict[str, ArrayLike] = {"open": open, "high": high, "low": low, "close": close}
        named |= {"volume": volume, "dividend": dividend, "split": split}
        columns = {name: _column(symbol, name, values, rows) for name, values in named.items()}
        kept = _latest(sessions, np.broadcast_to(np.asarray(revision, dtype=np.int64), (rows,)))
        columns = {name: values[kept] for name, values in columns.items()}
        _check(symbol, columns)
        return cls._adjusted(symbol, sessions[kept], columns)

    @classmethod
    def from_quotes(cls, quotes: Iterable[QuoteLike]) -> Self:
        """Make a series from one symbol's quotes, in any order; superseded revisions are left out.

        Raises:
            InvalidSeriesError: If there is no quote, or quotes of more than one symbol.
        """
        rows = list(quotes)
        symbols = {quote.symbol for quote in rows}
        if len(symbols) != 1:
            raise InvalidSeriesError(f"a series needs quotes of one symbol, not of {len(symbols)}")
        table = np.array(
            [(q.open, q.high, q.low, q.close, q.volume, q.dividend, q.split, q.revision) for q in rows],
            dtype=np.float64,
        )
        names = ("open", "high", "low", "close", "volume", "dividend", "split", "revision")
        columns: dict[str, Any] = dict(zip(names, table.T, strict=True))
        return cls.from_columns(
            symbols.pop(), session=np.array([quote.session for quote in rows], dtype="datetime64[D]"), **columns
        )

    @classmethod
    def from_closes(cls, symbol: str, sessions: Sequence[date] | Sessions, closes: ArrayLike) -> Self:
        """Make a series from closes alone, adjusted for splits; open, high, low and volume are unknown (NaN).

        Raises:
            InvalidSeriesError: If there is no close, or one is not finite and above 0.
        """
        unknown = np.full(len(sessions), np.nan)
        return cls.from_columns(
            symbol,
            session=np.asarray(sessions, dtype="datetime64[D]"),
            open=unknown,
            high=unknown,
            low=unknown,
            close=closes,
            volume=unknown,
        )

    @classmethod
    def _adjusted(cls, symbol: str, sessions: Sessions, columns: dict[str, Floats]) -> Self:
        close, split, dividend = columns["close"], columns["split"], columns["dividend"]
        log_return = np.full(len(close), np.nan)
        overnight = np.full(len(close), np.nan)
        log_return[1:] = np.log(split[1:] * (close[1:] + dividend[1:]) / close[:-1])
        overnight[1:] = np.log(split[1:] * (columns["open"][1:] + dividend[1:]) / close[:-1])
        extremes = np.stack([columns[name] for name in PRICES])
        return cls(
            symbol=symbol,
            sessions=sessions,
            open=columns["open"],
            high=extremes.max(axis=0),
            low=extremes.min(axis=0),
            close=close,
            volume=columns["volume"],
            log_return=log_return,
            overnight=overnight,
        )


def _column(symbol: str, name: str, values: ArrayLike, rows: int) -> Floats:
    column = np.asarray(values, dtype=np.float64)
    if column.ndim == 0:
        return np.full(rows, column)
    if column.shape != (rows,):
        raise InvalidSeriesError(f"{symbol}: {name} has shape {column.shape} for {rows} sessions")
    return column


def _latest(sessions: Sessions, revisions: Integers) -> Integers:
    """Return the positions of each session's highest revision, sessions ascending."""
    if (sessions[1:] > sessions[:-1]).all():
        return np.arange(len(sessions))
    order = np.lexsort((revisions, sessions))
    ordered = sessions[order]
    is_last = np.append(ordered[1:] != ordered[:-1], True)
    latest: Integers = order[is_last]
    return latest


def _check(symbol: str, columns: dict[str, Floats]) -> None:
    for name in ("close", "open", "high", "low", "split"):
        values = columns[name]
        if ((values <= 0) | (values == np.inf)).any() or (name == "close" and np.isnan(values).any()):
            raise InvalidSeriesError(f"{symbol}: {name} must be finite and above 0")
