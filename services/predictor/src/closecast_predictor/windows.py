"""The latest sessions of every symbol, kept up to date quote by quote."""

from collections.abc import Iterator
from datetime import date
from typing import Final

import numpy as np

from closecast.events import Quote
from closecast.forecasting.panel import Panel
from closecast.forecasting.series import Floats, Series, Sessions

_COLUMNS: Final = ("open", "high", "low", "close", "volume", "dividend", "split", "revision")
_CLOSE, _DIVIDEND, _SPLIT, _REVISION = (_COLUMNS.index(name) for name in ("close", "dividend", "split", "revision"))

DEFAULT_SESSIONS: Final = 400
"""Sessions of each symbol that are kept unless the settings say otherwise."""


class Window:
    """One symbol's latest sessions.

    Args:
        symbol: The symbol.
        exchange: Market identifier code (ISO 10383).
        currency: Currency of the prices (ISO 4217).
        sessions: Its sessions, ascending.
        rows: What is known of each session.
        capacity: Sessions that are kept.
    """

    def __init__(
        self, symbol: str, exchange: str, currency: str, *, sessions: Sessions, rows: Floats, capacity: int
    ) -> None:
        self.symbol, self.exchange, self.currency = symbol, exchange, currency
        self._capacity = capacity
        self._sessions = sessions
        self._rows = rows

    @classmethod
    def of(cls, quote: Quote, capacity: int) -> "Window":
        """Begin a window with the first known quote of a symbol."""
        sessions: Sessions = np.array([quote.session], dtype="datetime64[D]")
        rows: Floats = np.array([_row(quote)])
        return cls(quote.symbol, quote.exchange, quote.currency, sessions=sessions, rows=rows, capacity=capacity)

    def __len__(self) -> int:
        return len(self._sessions)

    @property
    def first_session(self) -> date:
        """The earliest session that is kept."""
        session: date = self._sessions[0].item()
        return session

    @property
    def last_session(self) -> date:
        """The latest session."""
        session: date = self._sessions[-1].item()
        return session

    @property
    def last_close(self) -> float:
        """The close of the latest session, as traded."""
        return float(self._rows[-1, _CLOSE])

    def apply(self, quote: Quote) -> bool:
        """Take a quote in; return whether it changed anything that a forecast depends on."""
        session = np.datetime64(quote.session, "D")
        at = int(np.searchsorted(self._sessions, session))
        row = _row(quote)
        if at < len(self._sessions) and self._sessions[at] == session:
            known = self._rows[at]
            if quote.revision < known[_REVISION]:
                return False
            changed = bool((known[:_REVISION] != row[:_REVISION]).any())
            self._rows[at] = row
            return changed
        if at == 0 and len(self._sessions) == self._capacity:
            return False
        self._sessions = np.insert(self._sessions, at, session)[-self._capacity :]
        self._rows = np.insert(self._rows, at, row, axis=0)[-self._capacity :]
        return True

    def shares_since(self, origin: date, session: date) -> float:
        """Return how many shares one of `origin` had become at `session`, by the splits in between."""
        dates = self._sessions
        later = (dates > np.datetime64(origin, "D")) & (dates <= np.datetime64(session, "D"))
        return float(np.prod(self._rows[later, _SPLIT]))

    def holds(self, session: date) -> bool:
        """Tell whether a session is among those that are kept."""
        at = int(np.searchsorted(self._sessions, np.datetime64(session, "D")))
        return at < len(self) and bool(self._sessions[at] == np.datetime64(session, "D"))

    def shares_after(self, sessions: Sessions) -> Floats:
        """Return how many shares one of each session has become at the latest, by the splits in between."""
        later = np.append(np.cumprod(self._rows[::-1, _SPLIT])[::-1], 1.0)
        shares: Floats = later[np.searchsorted(self._sessions, sessions, side="right")]
        return shares

    def closes_of(self, sessions: Sessions) -> Floats:
        """Return the closes of sessions in the shares of the latest one, NaN where there is no quote."""
        at = np.minimum(np.searchsorted(self._sessions, sessions), len(self) - 1)
        closes = self._rows[at, _CLOSE] / self.shares_after(sessions)
        return np.where(self._sessions[at] == sessions, closes, np.nan)

    def latest(self, sessions: int) -> "Window":
        """Return a copy of the latest sessions, at most as many as are asked for; it stays as it is."""
        kept, rows = self._sessions[-sessions:].copy(), self._rows[-sessions:].copy()
        return Window(self.symbol, self.exchange, self.currency, sessions=kept, rows=rows, capacity=self._capacity)

    def adjusted(self) -> Iterator[tuple[date, Floats]]:
        """Yield each session with its open, high, low, close and volume in the shares of the latest session."""
        shares = self.shares_after(self._sessions)
        factors = np.stack([1 / shares] * 4 + [shares], axis=1)
        yield from zip(self._sessions.tolist(), self._rows[:, :_DIVIDEND] * factors, strict=True)

    def series(self) -> Series:
        """Return the sessions as a series to forecast from."""
        columns = dict(zip(_COLUMNS, self._rows.T, strict=True))
        return Series.from_columns(self.symbol, session=self._sessions, **columns)


class Windows:
    """The windows of all symbols.

    Args:
        capacity: Sessions that are kept of each.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._windows: dict[str, Window] = {}

    def __len__(self) -> int:
        return len(self._windows)

    def holds(self, symbol: str, session: date) -> bool:
        """Tell whether there is a quote of a symbol's session."""
        return symbol in self._windows and self._windows[symbol].holds(session)

    def __contains__(self, symbol: str) -> bool:
        return symbol in self._windows

    def __getitem__(self, symbol: str) -> Window:
        return self._windows[symbol]

    @property
    def symbols(self) -> tuple[str, ...]:
        """All symbols, in alphabetical order."""
        return tuple(sorted(self._windows))

    def apply(self, quote: Quote) -> bool:
        """Take a quote in; return whether it changed anything that a forecast depends on."""
        window = self._windows.get(quote.symbol)
        if window is None:
            self._windows[quote.symbol] = Window.of(quote, self._capacity)
            return True
        return window.apply(quote)

    def panel(self, symbols: tuple[str, ...]) -> Panel:
        """Return the windows of these symbols as a panel, in this order.

        Raises:
            KeyError: If there is no quote of one of them.
        """
        return Panel.of([self._windows[symbol].series() for symbol in symbols])


def _row(quote: Quote) -> Floats:
    return np.array(
        [quote.open, quote.high, quote.low, quote.close, quote.volume, quote.dividend, quote.split, quote.revision],
        dtype=np.float64,
    )
