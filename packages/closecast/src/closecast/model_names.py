"""Names of registered models: the panel's, and one for each symbol that has a model of its own."""

import re
from collections.abc import Iterable
from typing import Final

from closecast.symbols import InvalidSymbolError, parse_symbol

_PANEL_SUFFIX: Final = "-panel"
_UNUSUAL: Final = re.compile(r"[^a-z0-9.-]")
_CODED: Final = re.compile(r"_([0-9a-f]{2})")
_APART: Final = "_"
"""Keeps a symbol whose model would be called as the panel's apart from it; no symbol holds this character."""


class ModelNames:
    """The names in one installation; each symbol has one, and each such name belongs to one symbol.

    Args:
        panel: Name of the panel's registered model.
    """

    def __init__(self, panel: str) -> None:
        self.panel = panel
        self._stem = panel.removesuffix(_PANEL_SUFFIX) + "-"

    @property
    def pattern(self) -> str:
        """What all of them match, as SQL's LIKE reads it; others may match it too."""
        return f"{self._stem.removesuffix('-')}%"

    def own(self, symbol: str) -> str:
        """Return the name of a symbol's own model, such as ``closecast-petr4.sa`` for PETR4.SA."""
        name = self._stem + _UNUSUAL.sub(lambda found: f"_{ord(found[0]):02x}", symbol.lower())
        return name + _APART if name == self.panel else name

    def symbol_of(self, name: str) -> str | None:
        """Return the symbol whose own model has this name; None for the panel's and for all others."""
        if not name.startswith(self._stem) or name == self.panel:
            return None
        coded = name.removeprefix(self._stem).removesuffix(_APART)
        try:
            symbol = parse_symbol(_CODED.sub(lambda found: chr(int(found[1], 16)), coded))
        except InvalidSymbolError:
            return None
        return symbol if self.own(symbol) == name else None

    def mismatch(self, name: str, symbols: Iterable[str]) -> str | None:
        """Return why a model of this name cannot be trained on these symbols (none for all); None if it can.

        A model of one symbol speaks for that symbol alone, so it goes by its own name, and no other goes by that.
        """
        wanted, owner = set(symbols), self.symbol_of(name)
        if owner is not None and wanted != {owner}:
            return f"{name} is the model of {owner} alone"
        if owner is None and len(wanted) == 1:
            (symbol,) = wanted
            return f"the model of {symbol} alone is called {self.own(symbol)}"
        return None
