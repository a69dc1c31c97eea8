"""Companies that people call by name."""

import unicodedata
from collections.abc import Mapping
from typing import Final

from closecast.symbols import InvalidSymbolError, parse_symbol

DEFAULT_COMPANIES: Final = {
    "Petrobras": "PETR4.SA",
    "Itaú Unibanco": "ITUB4.SA",
    "Itaú": "ITUB4.SA",
    "Vale": "VALE3.SA",
    "BTG Pactual": "BPAC11.SA",
    "BTG": "BPAC11.SA",
    "Ambev": "ABEV3.SA",
    "WEG": "WEGE3.SA",
    "Banco do Brasil": "BBAS3.SA",
    "Bradesco": "BBDC4.SA",
    "Itaúsa": "ITSA4.SA",
    "Santander Brasil": "SANB11.SA",
    "Santander": "SANB11.SA",
}
"""The ten largest companies of B3 by market value, with the names they go by."""


class UnknownCompanyError(LookupError):
    """Nobody is known under the name; the message lists who is."""


class Companies:
    """Finds the symbol of a company by its name, in any spelling, or by its ticker.

    Args:
        symbols: Canonical symbols by name; a company may have several names.
    """

    def __init__(self, symbols: Mapping[str, str]) -> None:
        self._by_name = {_plain(name): symbol for name, symbol in symbols.items()}
        self._symbols = frozenset(symbols.values())
        first_names = {symbol: name for name, symbol in reversed(list(symbols.items()))}
        names = sorted((name, symbol) for symbol, name in first_names.items())
        self._known = ", ".join(f"{name} ({symbol})" for name, symbol in names)

    def symbol_of(self, text: str) -> str:
        """Return the symbol of the company that a text names, whatever its case, accents and punctuation.

        Raises:
            UnknownCompanyError: If there is none.
        """
        named = self._by_name.get(_plain(text))
        if named is not None:
            return named
        try:
            symbol = parse_symbol(text)
        except InvalidSymbolError:
            symbol = ""
        if symbol not in self._symbols:
            raise UnknownCompanyError(f"is none of {self._known}")
        return symbol


def _plain(text: str) -> str:
    """Return a name without what people write differently."""
    decomposed = unicodedata.normalize("NFKD", text).casefold()
    return "".join(character for character in decomposed if character.isalnum())
