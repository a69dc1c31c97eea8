"""Writing quotes to CSV files of Yahoo's form, without a broker."""

from collections.abc import Iterator
from pathlib import Path

from closecast.telemetry.logs import get_logger
from closecast_ingestor.adjustments import fold_actions
from closecast_ingestor.settled import Prepared

_HEADER = "Date,Open,High,Low,Close,Adj Close,Volume"
_log = get_logger(__name__)


def write_csv(folder: Path, prepared: Prepared) -> None:
    """Write the quotes of a symbol to SYMBOL.csv, in place of a file that is there.

    Prices are as traded, as they are in a quote; `Adj Close` folds dividends and splits as Yahoo does, so that reading
    the file with `--source csv` gives the same quotes again.
    """
    for reject in prepared.rejects:
        _log.warning("bad row left out", symbol=reject.symbol, session=str(reject.session), reason=reject.reason)
    if not prepared.quotes:
        _log.warning("no quotes to write", symbol=prepared.symbol)
        return
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{prepared.symbol}.csv"
    unfinished = path.with_suffix(".csv.part")
    unfinished.write_text("\n".join(_lines(prepared)) + "\n")
    unfinished.replace(path)
    _log.info("written", symbol=prepared.symbol, file=str(path), sessions=len(prepared.quotes))


def _lines(prepared: Prepared) -> Iterator[str]:
    yield _HEADER
    for quote, adjusted in zip(prepared.quotes, fold_actions(prepared.quotes), strict=True):
        prices = (quote.open, quote.high, quote.low, quote.close, round(adjusted, 10))
        yield ",".join([quote.session.isoformat(), *map(repr, prices), str(quote.volume)])
