"""Real daily quotes that come with a package: AAPL, FB, GOOG, IBM and MSFT, 2000 to 2013."""

import json
from collections.abc import Iterator, Sequence
from datetime import date

from closecast_ingestor.sources.base import PRICE_DECIMALS, Failure, Folding, History, Row

_SYMBOLS = ("AAPL", "FB", "GOOG", "IBM", "MSFT")


class Sample:
    """Reads bokeh-sampledata's stocks; it needs no network.

    Closes are as traded. Splits and dividends are only in the adjusted close, which compounds total returns, so that
    the dividends derived from it are the real ones to the cent.
    """

    name = "sample"

    def symbols(self) -> tuple[str, ...]:
        """Return the five symbols."""
        return _SYMBOLS

    def histories(self, symbols: Sequence[str], start: date, end: date) -> Iterator[History | Failure]:  # noqa: ARG002
        """Yield the whole history of each symbol."""
        for symbol in symbols:
            if symbol in _SYMBOLS:
                yield _read(symbol)
            else:
                yield Failure(symbol, f"the sample holds {', '.join(_SYMBOLS)} only", unknown=True)


def _read(symbol: str) -> History:
    from bokeh_sampledata import stocks

    columns = getattr(stocks, symbol)
    names = ("date", "open", "high", "low", "close", "adj_close", "volume")
    history = History(symbol, origin="sample", folding=Folding.TOTAL_RETURN)
    for values in zip(*(columns[name] for name in names), strict=True):
        day, *prices, adjusted, volume = values
        original = json.dumps(dict(zip(names, values, strict=True))).encode()
        opened, high, low, close = (round(price, PRICE_DECIMALS) for price in prices)
        history.rows.append(Row(date.fromisoformat(day), opened, high, low, close, adjusted, volume, original))
    return history
