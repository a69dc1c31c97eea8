"""CSV files as columns that are known, whatever their delimiter, encoding and titles."""

import codecs
import csv
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice, takewhile
from typing import Final, TypeAlias

from closecast_predictor.api.uploads.cells import COMMA, POINT, InvalidCsvError, shown

_NAMES: Final = {
    "date": ("date", "data", "datetime", "timestamp", "session", "day", "dia", "pregao"),
    "open": ("open", "abertura"),
    "high": ("high", "maxima", "maximo"),
    "low": ("low", "minima", "minimo"),
    "close": ("close", "fechamento", "ultimo", "last", "price", "preco", "adj close", "adjclose"),
    "volume": ("volume", "vol"),
}
"""Names of the columns without accents, dots and case; of several in one file the first here counts."""

_DELIMITERS: Final = (",", ";", "\t")
_BLANK: Final = "".join(_DELIMITERS) + " "
_MOST_COLUMNS: Final = 64
_TITLES_SHOWN: Final = 10
_LONGEST_LINE: Final = 2**18
_TITLE_LINES: Final = 2
"""yfinance writes up to so many lines of titles below the header."""

_OTHER_FILES: Final = {
    b"PK\x03\x04": "a ZIP archive or an Excel workbook",
    b"\x1f\x8b": "compressed by gzip",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
    b"%PDF": "a PDF",
}
_UNUSUAL: Final = ('"', "=", "@", " ", "\t")
"""Quotation, formulas, and what is to be stripped."""

_CONTROL: Final = bytes({*range(32), 127} - set(b"\t\r\n"))
_TITLES_KEPT: Final = 256


@dataclass(frozen=True, slots=True)
class Table:
    """The known columns of a file.

    Attributes:
        delimiter: What stands between its cells.
        titles: What the file calls each column that is known.
        columns: The cells of each of them, blank rows left out.
        lines: Where each row stands, counted from 1.
    """

    delimiter: str
    titles: dict[str, str]
    columns: dict[str, list[str]]
    lines: list[int]

    def fault(self, at: int, field: str, reason: str) -> InvalidCsvError:
        """Return an error that names the line of a row and what the file calls the column."""
        return InvalidCsvError(reason, self.lines[at], self.titles[field])


_Row: TypeAlias = tuple[int, list[str]]
"""Where it stands, and its cells."""


@dataclass(frozen=True, slots=True)
class _Header:
    line: int
    delimiter: str
    cells: list[str]
    positions: dict[str, int]


def read_table(data: bytes, most_rows: int) -> Table:
    """Return the columns of a CSV file that are known: date, open, high, low, close, volume.

    Args:
        data: The file.
        most_rows: Rows above which it is refused.

    Raises:
        InvalidCsvError: If it is no text, has no column of closes, or its rows do not fit its header.
    """
    lines = _lines(_decode(data))
    header = _header(lines)
    numbers, columns = _columns(header, lines, most_rows + _TITLE_LINES + 1)
    first_rows = zip(*(column[:_TITLE_LINES] for column in columns), strict=True)
    titles = sum(1 for _ in takewhile(_is_title, first_rows))
    numbers = numbers[titles:]
    if len(numbers) > most_rows:
        raise InvalidCsvError(f"is that of session {most_rows + 1}, at most {most_rows} are read", numbers[most_rows])
    positions = header.positions
    if "date" not in positions and (titles or not header.cells[0].strip()):
        positions = positions | {"date": 0}  # pandas and yfinance give the dates no title of their own
    return Table(
        header.delimiter,
        {field: shown(header.cells[at].strip()) or str(at + 1) for field, at in positions.items()},
        {field: columns[at][titles:] for field, at in positions.items()},
        numbers,
    )


def _decode(data: bytes) -> str:
    for magic, kind in _OTHER_FILES.items():
        if data.startswith(magic):
            raise InvalidCsvError(f"this is {kind}, not CSV")
    try:
        is_utf16 = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        text = data.decode("utf-16" if is_utf16 else "utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("cp1252", errors="replace")  # Latin 1 as Windows writes it
    encoded = text.encode()
    if len(encoded.translate(None, _CONTROL)) < len(encoded):
        at = next(at for at, byte in enumerate(encoded) if byte in _CONTROL)
        line = encoded.count(b"\n", 0, at) + 1
        raise InvalidCsvError(f"holds the character U+{encoded[at]:04X}, this is no text", line)
    return text


def _lines(text: str) -> list[str]:
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    lines = text.split("\n")
    if max(map(len, lines)) > _LONGEST_LINE:
        number = next(number for number, line in enumerate(lines, start=1) if len(line) > _LONGEST_LINE)
        raise InvalidCsvError(f"is longer than {_LONGEST_LINE} characters", number)
    return lines


def _header(lines: list[str]) -> _Header:
    line, text = next(((number, one) for number, one in enumerate(lines, start=1) if one.strip(_BLANK)), (1, ""))
    delimiters = [delimiter for delimiter in _DELIMITERS if delimiter in text] or _DELIMITERS[:1]
    # Of the delimiters that one counts by which most columns are known.
    delimiter, cells = max(
        ((delimiter, _cells(text, delimiter, line)) for delimiter in delimiters),
        key=lambda reading: (len(_positions(reading[1])), len(reading[1])),
    )
    if len(cells) > _MOST_COLUMNS:
        raise InvalidCsvError(f"has {len(cells)} columns, at most {_MOST_COLUMNS} are read", line)
    _refuse_formulas(line, cells, cells)
    positions = _positions(cells)
    if "close" not in positions:
        there = ", ".join(shown(cell) for cell in cells[:_TITLES_SHOWN])
        raise InvalidCsvError(f"has no column Close (nor Fechamento, Último, Adj Close), only: {there}", line)
    titles = [_plain(cell) for cell in cells]
    for at in positions.values():
        if titles.count(titles[at]) > 1:
            raise InvalidCsvError("stands there twice; send one symbol at a time", line, shown(cells[at]))
    return _Header(line, delimiter, cells, positions)


def _cells(text: str, delimiter: str, line: int) -> list[str]:
    try:
        return next(csv.reader([text], delimiter=delimiter), [])
    except csv.Error as error:
        raise InvalidCsvError(str(error), line) from error


def _positions(cells: list[str]) -> dict[str, int]:
    # The first of several columns, and of several names, is set last.
    at = {_plain(cell): position for position, cell in reversed(list(enumerate(cells)))}
    return {field: at[name] for field, names in _NAMES.items() for name in reversed(names) if name in at}


@lru_cache(_TITLES_KEPT)
def _plain(title: str) -> str:
    letters = unicodedata.normalize("NFKD", title.replace("_", " ").replace(".", ""))
    return " ".join("".join(one for one in letters if not unicodedata.combining(one)).casefold().split())


def _columns(header: _Header, lines: list[str], most: int) -> tuple[list[int], list[list[str]]]:
    """Return where the first rows that are not blank stand, and the cells of each column of the header."""
    split = _split_at_once(header, lines[header.line : header.line + most])
    if split is not None:
        return list(range(header.line + 1, header.line + 1 + len(split[0]))), split
    rows = _rows(header, lines, most)
    columns = zip(*(cells for _, cells in rows), strict=True) if rows else [()] * len(header.cells)
    return [line for line, _ in rows], [list(map(str.strip, column)) for column in columns]


def _split_at_once(header: _Header, lines: list[str]) -> list[list[str]] | None:
    """Return the columns of a file in which nothing is unusual, in a fifth of the time that its rows take."""
    while lines and not lines[-1]:
        lines.pop()
    text = f"{header.delimiter}\n{header.delimiter}".join(lines)
    if not lines or not text.isascii() or any(mark in text for mark in _UNUSUAL if mark != header.delimiter):
        return None
    cells = text.split(header.delimiter)
    *columns, ends = (cells[at :: len(header.cells) + 1] for at in range(len(header.cells) + 1))
    if ends != ["\n"] * (len(lines) - 1) or len(columns[-1]) < len(lines):
        return None  # a row is wider or narrower than the header
    return None if "" in columns[header.positions["close"]] else columns  # it may be a blank row


def _rows(header: _Header, lines: list[str], most: int) -> list[_Row]:
    """Return the first rows that are not blank, as wide as the header."""
    width = len(header.cells)
    rows = []
    for line, cells in islice(_filled_rows(header, lines), most):
        _refuse_formulas(line, cells, header.cells)
        rows.append((line, cells if len(cells) == width else _fitted(cells, width, line)))
    return rows


def _filled_rows(header: _Header, lines: list[str]) -> Iterator[_Row]:
    reader = csv.reader(lines[header.line :], delimiter=header.delimiter, strict=True)
    try:
        for cells in reader:
            if "".join(cells).strip():
                yield header.line + reader.line_num, cells
    except csv.Error as error:
        raise InvalidCsvError(str(error), header.line + reader.line_num) from error


def _fitted(cells: list[str], width: int, line: int) -> list[str]:
    if "".join(cells[width:]).strip():
        raise InvalidCsvError(f"has {len(cells)} cells, the header has {width}", line)
    return cells[:width] + [""] * (width - len(cells))


def _refuse_formulas(line: int, cells: list[str], titles: list[str]) -> None:
    for at, cell in enumerate(cells):
        if cell.lstrip().startswith(("=", "@")):
            title = titles[at].strip() if at < len(titles) else ""
            raise InvalidCsvError(f"{shown(cell.strip())!r} is a formula", line, shown(title) or str(at + 1))


def _is_title(cells: tuple[str, ...]) -> bool:
    first, *others = map(str.strip, cells)
    named = _plain(first) in {"", "ticker", *_NAMES["date"]}
    return named and all(POINT.read(cell) is None and COMMA.read(cell) is None for cell in others)
