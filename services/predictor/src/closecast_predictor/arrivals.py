"""Symbols whose quotes are arriving: no forecast from half of them."""

import time
from collections.abc import Callable, Iterable
from datetime import date
from typing import Final

from closecast_predictor.backfills import BackfillDesk

_PATIENCE_S: Final = 10.0


class Arrivals:
    """Holds symbols that are being fetched back until their latest session is there.

    A history of decades arrives in pieces, and its outcome on another topic, sooner or later than the quotes.

    Args:
        desk: Knows what is being fetched.
        patience_s: How long a symbol is held back; quotes that come another way have no outcome to wait for.
    """

    def __init__(self, desk: BackfillDesk, patience_s: float = _PATIENCE_S) -> None:
        self._desk = desk
        self._patience_s = patience_s
        self._held_until: dict[str, float] = {}

    @property
    def timeout_s(self) -> float | None:
        """How long to wait for further events at most, None for ever."""
        if not self._held_until:
            return None
        return max(0.001, min(self._held_until.values()) - time.monotonic())

    def due(self, changed: Iterable[str], last_session: Callable[[str], date]) -> set[str]:
        """Return which symbols are to be forecast, of those that have changed and those that were held back before.

        Args:
            changed: Symbols with new quotes, or whose model has changed.
            last_session: Returns the latest session that there is a quote of.
        """
        now = time.monotonic()
        candidates = set(changed) | self._held_until.keys()
        held = {symbol for symbol in candidates if self._is_incomplete(symbol, last_session)}
        until = {symbol: self._held_until.get(symbol, now + self._patience_s) for symbol in held}
        self._held_until = {symbol: deadline for symbol, deadline in until.items() if now < deadline}
        return candidates - self._held_until.keys()

    def _is_incomplete(self, symbol: str, last_session: Callable[[str], date]) -> bool:
        awaited = self._desk.awaited(symbol)
        return awaited is not None and last_session(symbol) < awaited
