"""Many symbols' histories as one block of arrays: what every forecaster is given."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date
from typing import Final, Self

import numpy as np
from numpy.typing import ArrayLike

from closecast.forecasting.series import Floats, Integers, InvalidSeriesError, QuoteLike, Series, Sessions

_FLOATS: Final = ("open", "high", "low", "close", "volume", "log_return", "overnight")
_RETURNS: Final = ("log_return", "overnight")


@dataclass(frozen=True, slots=True, eq=False)
class Panel:
    """Histories side by side, aligned at their latest session.

    Every array has the shape ``[symbols, width]``, where the last column is each symbol's own latest session and
    shorter histories are padded on the left (NaT and NaN). Symbols need not share a calendar. What the columns mean is
    documented at `closecast.forecasting.series.Series`.

    Attributes:
        symbols: The symbol of each row. A row may repeat a symbol, as `windows` does.
        lengths: Known sessions of each row, at least 1.
    """

    symbols: tuple[str, ...]
    lengths: Integers
    sessions: Sessions
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats
    log_return: Floats
    overnight: Floats

    def __len__(self) -> int:
        return len(self.symbols)

    @property
    def width(self) -> int:
        """Sessions of the longest history."""
        return int(self.close.shape[1])

    @property
    def last_close(self) -> Floats:
        """The latest close of each row, as traded, ``[symbols]``."""
        return self.close[:, -1]

    @property
    def last_session(self) -> Sessions:
        """The latest session of each row, ``[symbols]``."""
        return self.sessions[:, -1]

    @classmethod
    def of(cls, series: Sequence[Series]) -> Self:
        """Make a panel of histories, one row each, in the given order.

        Raises:
            InvalidSeriesError: If there is none.
        """
        if not series:
            raise InvalidSeriesError("a panel needs at least one symbol")
        width = max(map(len, series))
        columns = {name: np.full((len(series), width), np.nan) for name in _FLOATS}
        sessions = np.full((len(series), width), np.datetime64("NaT"), dtype="datetime64[D]")
        for row, one in enumerate(series):
            sessions[row, width - len(one) :] = one.sessions
            for name, column in columns.items():
                column[row, width - len(one) :] = getattr(one, name)
        return cls(
            symbols=tuple(one.symbol for one in series),
            lengths=np.array([len(one) for one in series], dtype=np.int64),
            sessions=sessions,
            **columns,
        )

    @classmethod
    def from_quotes(cls, quotes: Iterable[QuoteLike]) -> Self:
        """Make a panel of quotes in any order, symbols in alphabetical order; superseded revisions are left out."""
        by_symbol: dict[str, list[QuoteLike]] = defaultdict(list)
        for quote in quotes:
            by_symbol[quote.symbol].append(quote)
        return cls.of([Series.from_quotes(by_symbol[symbol]) for symbol in sorted(by_symbol)])

    @classmethod
    def from_columns(
        cls,
        *,
        symbol: ArrayLike,
        session: ArrayLike | Sequence[date],
        open: ArrayLike,  # noqa: A002
        high: ArrayLike,
        low: ArrayLike,
        close: ArrayLike,
        volume: ArrayLike,
        dividend: ArrayLike,
        split: ArrayLike,
        revision: ArrayLike,
    ) -> Self:
        """Make a panel of a long table, one row a symbol and session, as a database answers it.

        The columns mean what they mean at `Series.from_columns`; symbols come out in alphabetical order.
        """
        symbols = np.asarray(symbol, dtype=np.str_)
        table = {
            "session": np.asarray(session, dtype="datetime64[D]"),
            "open": np.asarray(open, dtype=np.float64),
            "high": np.asarray(high, dtype=np.float64),
            "low": np.asarray(low, dtype=np.float64),
            "close": np.asarray(close, dtype=np.float64),
            "volume": np.asarray(volume, dtype=np.float64),
            "dividend": np.asarray(dividend, dtype=np.float64),
            "split": np.asarray(split, dtype=np.float64),
            "revision": np.asarray(revision, dtype=np.int64),
        }
        order = np.argsort(symbols, kind="stable")
        names, starts = np.unique(symbols[order], return_index=True)
        groups = np.split(order, starts[1:])
        return cls.of(
            [
                Series.from_columns(str(name), **{column: values[rows] for column, values in table.items()})
                for name, rows in zip(names, groups, strict=True)
            ]
        )

    def windows(self, rows: Integers, ends: Integers, widths: int | Integers) -> Self:
        """Return a panel of windows into this one, as if only these sessions had ever been known.

        The first session of a window has no return, as it has none in a history that begins there, so that a forecast
        from a window equals one from the longer history that it was cut from.

        Args:
            rows: Row of each window, ``[windows]``.
            ends: Column of each window's latest session, ``[windows]``.
            widths: Sessions of a window, one number or one a window; fewer where the history is shorter.
        """
        first = np.maximum(self.width - self.lengths[rows], ends - widths + 1)
        columns = ends[:, None] - np.arange(int(np.max(ends - first)), -1, -1)[None, :]
        known = columns >= first[:, None]
        at = (rows[:, None], np.where(known, columns, 0))
        arrays = {name: np.where(known, getattr(self, name)[at], np.nan) for name in _FLOATS}
        for name in _RETURNS:
            arrays[name][columns == first[:, None]] = np.nan
        return replace(
            self,
            symbols=tuple(self.symbols[row] for row in rows),
            lengths=known.sum(axis=1),
            sessions=np.where(known, self.sessions[at], np.datetime64("NaT")),
            **arrays,
        )

    def tail(self, width: int) -> Self:
        """Return the latest sessions of each row as a panel of its own; see `windows`."""
        if width >= self.width:
            return self
        arrays = {name: getattr(self, name)[:, -width:] for name in _FLOATS}
        for name in _RETURNS:
            arrays[name] = arrays[name].copy()
            arrays[name][:, 0] = np.nan
        lengths = np.minimum(self.lengths, width)
        return replace(self, lengths=lengths, sessions=self.sessions[:, -width:], **arrays)

    def rows(self, start: int, stop: int) -> Self:
        """Return the rows from `start` to `stop`, this not included, as a panel as wide as this one."""
        if start <= 0 and stop >= len(self):
            return self
        arrays = {name: getattr(self, name)[start:stop] for name in ("lengths", "sessions", *_FLOATS)}
        return replace(self, symbols=self.symbols[start:stop], **arrays)

    def between(self, start: date | None = None, end: date | None = None) -> Self:
        """Return the sessions from `start` to `end`, both included; a symbol without any is left out.

        Raises:
            InvalidSeriesError: If no symbol has a session in that range.
        """
        inside = ~np.isnat(self.sessions)
        if start is not None:
            inside &= self.sessions >= np.datetime64(start)
        if end is not None:
            inside &= self.sessions <= np.datetime64(end)
        rows = np.flatnonzero(inside.any(axis=1))
        if not len(rows):
            raise InvalidSeriesError(f"no symbol has a session from {start or 'the first'} to {end or 'the last'}")
        ends = self.width - 1 - np.argmax(inside[rows, ::-1], axis=1)
        return self.windows(rows, ends, inside[rows].sum(axis=1))

    def select(self, symbols: Iterable[str]) -> Self:
        """Return the rows of these symbols, in this order.

        Raises:
            KeyError: If the panel lacks one of them.
        """
        at = {symbol: row for row, symbol in enumerate(self.symbols)}
        rows = np.array([at[symbol] for symbol in symbols], dtype=np.int64)
        return self.windows(rows, np.full(len(rows), self.width - 1), self.width)

    def fingerprint(self) -> str:
        """Return a hash of all that the panel holds: the same for the same data, however they came."""
        digest = hashlib.sha256()
        for row in np.argsort(np.array(self.symbols), kind="stable"):
            digest.update(self.symbols[row].encode() + b"\0")
            known = slice(self.width - int(self.lengths[row]), None)
            for array in (getattr(self, one.name) for one in fields(self)[2:]):
                digest.update(np.ascontiguousarray(array[row, known]).tobytes())
        return digest.hexdigest()
