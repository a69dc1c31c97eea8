"""The quotes of a source as the ingestor would publish them, and what it would not."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final

from closecast.events import Quote
from closecast.forecasting.panel import Panel
from closecast_backtest.progress import Teller
from closecast_ingestor.settled import Prepared, Window, prepare
from closecast_ingestor.sources.base import Failure, Reject, Source, SourceError
from closecast_ingestor.sources.csv_folder import CsvFolder

_FIRST_DAY: Final = date(1980, 1, 1)
"""No calendar of an exchange reaches further back."""

_SETTLE_DELAY: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """What a source came to.

    Attributes:
        panel: The settled quotes, symbols in alphabetical order.
        notes: One line for each symbol and reason for which rows are not among them.
    """

    panel: Panel
    notes: tuple[str, ...]


def read_quotes(
    source: Source, symbols: Sequence[str] = (), on_symbol: Callable[[str], None] = lambda _: None
) -> Reading:
    """Read the histories of symbols, by default all of a source, and keep what the ingestor would publish.

    Args:
        source: Where the quotes are.
        symbols: Canonical symbols.
        on_symbol: Called after each.

    Raises:
        SourceError: If the source cannot be read, or has no usable row of a symbol; the message names each.
    """
    now = datetime.now(UTC)
    window = Window(start=_FIRST_DAY, end=now.date(), now=now, delay=_SETTLE_DELAY)
    quotes: list[Quote] = []
    notes: list[str] = []
    faults: list[str] = []
    for answer in source.histories(symbols or source.symbols(), window.start, window.end):
        if isinstance(answer, Failure):
            faults.append(answer.reason)
        else:
            prepared = prepare(answer, source.name, window)
            quotes += prepared.quotes
            (notes if prepared.quotes else faults).extend(_told(prepared))
        on_symbol(answer.symbol)
    if faults:
        raise SourceError("; ".join(faults))
    return Reading(Panel.from_quotes(quotes), tuple(notes))


def read_folder(folder: Path, symbols: Sequence[str], teller: Teller) -> Panel:
    """Read the histories of symbols, by default all, from a folder of SYMBOL.csv, and tell what is left out.

    Raises:
        SourceError: As `read_quotes` does.
    """
    source = CsvFolder(folder)
    symbols = symbols or source.symbols()
    reading = read_quotes(source, symbols, teller.count(f"reading {folder}", len(symbols)))
    for note in reading.notes:
        teller.say(note)
    return reading.panel


def _told(prepared: Prepared) -> list[str]:
    """Return what became of the rows that are no quotes."""
    told = []
    if prepared.rejects:
        first = prepared.rejects[0]
        told.append(f"{prepared.symbol}: set aside {_rows(len(prepared.rejects))}, first {_place(first)}{first.reason}")
    told += [f"{prepared.symbol}: left out {_rows(count)}, {reason}" for reason, count in prepared.skipped.items()]
    return told if told or prepared.quotes else [f"{prepared.symbol}: no row"]


def _rows(count: int) -> str:
    return f"{count} row{'s' if count > 1 else ''}"


def _place(reject: Reject) -> str:
    return "" if reject.line is None else f"{reject.origin}, line {reject.line}: "
