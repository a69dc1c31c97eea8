"""What counts as a symbol, checked before it enters a topic key, a URL, a path or a metric label."""

import re
from typing import Annotated, Final

from pydantic import AfterValidator

_SYMBOL: Final = re.compile(r"[A-Z0-9^][A-Z0-9.^=-]{0,14}")
_B3_TICKER: Final = re.compile(r"[A-Z][A-Z0-9]{3}(?:[3-8]|11|3[1-9])")


class InvalidSymbolError(ValueError):
    """The text is not a symbol."""


def parse_symbol(text: str) -> str:
    """Return the canonical symbol that `text` names, in Yahoo's notation.

    Letters become upper case. A ticker of B3 may come without its suffix: ``petr4`` is ``PETR4.SA``.

    Raises:
        InvalidSymbolError: If the text holds anything but letters, digits and ``. ^ = -``, or is empty or too long.
    """
    symbol = text.strip().upper()
    if not _SYMBOL.fullmatch(symbol) or ".." in symbol:
        shown = text if len(text) <= 20 else f"{text[:20]}…"  # noqa: PLR2004
        msg = f"{shown!r} is not a symbol: 1 to 15 letters, digits or . ^ = - are"
        raise InvalidSymbolError(msg)
    return f"{symbol}.SA" if _B3_TICKER.fullmatch(symbol) else symbol


Symbol = Annotated[str, AfterValidator(parse_symbol)]
"""A pydantic field that holds a canonical symbol."""
