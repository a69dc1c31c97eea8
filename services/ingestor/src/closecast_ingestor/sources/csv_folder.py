"""A folder of SYMBOL.csv, as Yahoo, yfinance or `closecast-ingestor download` write them."""

import csv
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Final

from closecast.symbols import InvalidSymbolError, parse_symbol
from closecast_ingestor.sources.base import PRICE_DECIMALS, Failure, Folding, History, Reject, Row, SourceError

_MOST_HEADER_LINES: Final = 3
_MOST_BYTES: Final = 64 * 1024 * 1024
_DATE_CHARACTERS: Final = 10
_DATE_NAMES: Final = ("date", "datetime", "price", "")
"""yfinance writes `Price` (or nothing) above the dates when its columns have two levels."""


class CsvFolder:
    """Reads quotes from files named after their symbol; see `read_history` for what a file may look like.

    Args:
        folder: Where the files are.
    """

    name = "csv"

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def symbols(self) -> tuple[str, ...]:
        """Return the symbols that the files are named after.

        Raises:
            SourceError: If the folder is missing, holds no files, or a file's name is no symbol.
        """
        return tuple(self._files())

    def histories(self, symbols: Sequence[str], start: date, end: date) -> Iterator[History | Failure]:  # noqa: ARG002
        """Yield the whole history of each symbol: a factor means something only beside the later ones."""
        files = self._files()
        for symbol in symbols:
            if symbol not in files:
                yield Failure(symbol, f"{self._folder} holds no file {symbol}.csv", unknown=True)
                continue
            try:
                yield read_history(files[symbol], symbol)
            except SourceError as error:
                yield Failure(symbol, str(error))

    def _files(self) -> dict[str, Path]:
        if not self._folder.is_dir():
            raise SourceError(f"{self._folder} is no folder; --csv-folder names the folder of SYMBOL.csv files")
        files: dict[str, Path] = {}
        for path in sorted(self._folder.glob("*.csv")):
            try:
                symbol = parse_symbol(path.stem)
            except InvalidSymbolError as error:
                raise SourceError(f"{path}: the file's name is no symbol: {error}") from error
            if symbol in files:
                raise SourceError(f"{files[symbol].name} and {path.name} in {self._folder} are both {symbol}")
            files[symbol] = path
        if not files:
            raise SourceError(f"{self._folder} holds no SYMBOL.csv files")
        return files


@dataclass(frozen=True, slots=True)
class _Columns:
    """Where each field is in a line; None for an adjusted close or a field of zeros that the file lacks."""

    session: int
    open: int
    high: int
    low: int
    close: int
    adjusted_close: int | None
    volume: int | None
    count: int


def read_history(path: Path, symbol: str) -> History:
    """Read one file: a header of one line, or yfinance's of two or three, and one line a session, oldest first.

    Columns come in any order. `Date` and `Close` are needed; a missing open, high or low is the close, a missing
    volume 0. Where there is an `Adj Close`, dividends and splits are derived from it; without one the closes are taken
    as they are.

    Raises:
        SourceError: If the file can't be read, has no such header, is of another symbol, or runs backwards.
    """
    lines = _lines_of(path)
    columns, first = _read_header(path, lines, symbol)
    folding = None if columns.adjusted_close is None else Folding.YAHOO
    history = History(symbol, origin=f"csv:{path.name}", folding=folding)
    last_line_of: dict[date, int] = {}
    for number, line in enumerate(lines[first:], start=first + 1):
        if not line:
            continue
        row = _read_line(history, columns, line, number)
        if row is None:
            continue
        if row.session in last_line_of:
            history.reject(row, f"date: {row.session} stands on line {last_line_of[row.session]} already")
            continue
        last_line_of[row.session] = number
        history.rows.append(row)
    _keep_in_order(path, history)
    return history


def _lines_of(path: Path) -> list[bytes]:
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise SourceError(f"{path}: larger than {_MOST_BYTES // 1024**2} MiB, too large for daily quotes")
        return path.read_bytes().removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").split(b"\n")
    except OSError as error:
        raise SourceError(f"{path}: can't be read: {error.strerror}") from error


def _read_header(path: Path, lines: list[bytes], symbol: str) -> tuple[_Columns, int]:
    """Return the columns and the index of the first line of data."""
    headers: list[list[str]] = []
    for line in lines[: _MOST_HEADER_LINES + 1]:
        cells = _cells(line.decode(errors="replace"))
        if cells[0][:1].isdigit() or not line:
            break
        headers.append(cells)
    if not headers or len(headers) > _MOST_HEADER_LINES:
        raise SourceError(f"{path}, line 1: no header; one like Date,Open,High,Low,Close,Adj Close,Volume is needed")
    for number, cells in enumerate(headers[1:], start=2):
        _check_ticker_line(path, number, cells, symbol)
    names = [cell.strip().lower().replace("_", " ") for cell in headers[0]]

    def find(name: str, *others: str) -> int | None:
        return next((names.index(wanted) for wanted in (name, *others) if wanted in names), None)

    session, close = find(*_DATE_NAMES), find("close", "close/last")
    for field, column in (("Date", session), ("Close", close)):
        if column is None:
            raise SourceError(f"{path}, line 1: the header has no {field} column: {','.join(headers[0])[:100]}")
    assert session is not None  # noqa: S101 - checked above
    assert close is not None  # noqa: S101
    either = {field: column if (column := find(field)) is not None else close for field in ("open", "high", "low")}
    adjusted, volume = find("adj close", "adjclose", "adjusted close"), find("volume")
    columns = _Columns(session, **either, close=close, adjusted_close=adjusted, volume=volume, count=len(names))
    return columns, len(headers)


def _check_ticker_line(path: Path, number: int, cells: list[str], symbol: str) -> None:
    """Check a further header line of yfinance: the ticker above each column, or `Date` and nothing else."""
    tickers = {cell.strip() for cell in cells[1:]} - {""}
    if len(tickers) > 1:
        raise SourceError(f"{path}, line {number}: holds several symbols ({', '.join(sorted(tickers))}); one a file")
    try:
        other = next((ticker for ticker in tickers if parse_symbol(ticker) != symbol), None)
    except InvalidSymbolError as error:
        raise SourceError(f"{path}, line {number}: {error}") from error
    if other:
        raise SourceError(f"{path}, line {number}: holds {other}, but its name says {symbol}")


def _read_line(history: History, columns: _Columns, line: bytes, number: int) -> Row | None:
    """Return the row that a line holds; None, and a reject, if it can't be read."""
    try:
        text = line.decode()
        cells = text.split(",") if '"' not in text else _cells(text)
        if len(cells) != columns.count:
            raise ValueError(f"{len(cells)} values, the header names {columns.count}")  # noqa: TRY301
    except ValueError as error:
        history.rejects.append(Reject(history.symbol, None, line, f"line: {error}", history.origin, number))
        return None
    try:
        close = _price(cells[columns.close])
        return Row(
            _day(cells[columns.session]),
            _price(cells[columns.open]),
            _price(cells[columns.high]),
            _price(cells[columns.low]),
            close,
            close if columns.adjusted_close is None else float(cells[columns.adjusted_close] or "nan"),
            0 if columns.volume is None else _shares(cells[columns.volume]),
            line,
            number,
        )
    except (ValueError, OverflowError):
        session, reason = _fault_in(cells, columns)
        history.rejects.append(Reject(history.symbol, session, line, reason, history.origin, number))
        return None


def _fault_in(cells: list[str], columns: _Columns) -> tuple[date | None, str]:
    """Return the day of a line that can't be read, as far as it can, and which field is at fault."""
    session: date | None = None
    fields: dict[str, tuple[int | None, Callable[[str], object]]] = {
        "close": (columns.close, _price),
        "open": (columns.open, _price),
        "high": (columns.high, _price),
        "low": (columns.low, _price),
        "adj close": (columns.adjusted_close, _price),
        "volume": (columns.volume, _shares),
    }
    field = "date"
    try:
        session = _day(cells[columns.session])
        for field, (column, read) in fields.items():  # noqa: B007 - the field that failed is told below
            if column is not None:
                read(cells[column])
    except (ValueError, OverflowError) as error:
        return session, f"{field}: {error}"
    raise AssertionError("the line can be read")


def _day(cell: str) -> date:
    """Return the day of a date or a timestamp: yfinance writes midnights with their time zone."""
    if len(cell) > _DATE_CHARACTERS and cell[_DATE_CHARACTERS] not in " T":
        raise ValueError(f"{cell[:40]!r} is no date like 2024-01-31")
    return date.fromisoformat(cell[:_DATE_CHARACTERS])


def _price(cell: str) -> float:
    return round(float(cell or "nan"), PRICE_DECIMALS)


def _shares(cell: str) -> int:
    """Return a volume; files written by pandas hold `1000.0`, and nothing where none is known."""
    return int(cell) if cell.isdigit() else int(float(cell or 0))


def _cells(text: str) -> list[str]:
    return next(csv.reader([text])) or [""]


def _keep_in_order(path: Path, history: History) -> None:
    """Reject the fewest rows without which the others are in order: one mistyped year must not condemn what follows.

    Raises:
        SourceError: If the file runs backwards as a whole.
    """
    rows = history.rows
    if all(before.session < after.session for before, after in pairwise(rows)):
        return
    rising = _longest_rising([row.session for row in rows])
    if len(rising) < len(rows) / 2:
        raise SourceError(f"{path}: dates run backwards; sort the lines from the oldest to the newest")
    history.rows = [rows[index] for index in rising]
    kept = set(rising)
    for index, row in enumerate(rows):
        if index not in kept:
            history.reject(row, f"date: {row.session} is out of order")


def _longest_rising(sessions: Sequence[date]) -> list[int]:
    """Return the positions of a longest rising subsequence (patience sorting)."""
    ends: list[int] = []
    before: list[int | None] = []
    for index, session in enumerate(sessions):
        length = bisect_left(ends, session, key=sessions.__getitem__)
        before.append(ends[length - 1] if length else None)
        ends[length : length + 1] = [index]
    rising: list[int] = []
    position: int | None = ends[-1]
    while position is not None:
        rising.append(position)
        position = before[position]
    return rising[::-1]
