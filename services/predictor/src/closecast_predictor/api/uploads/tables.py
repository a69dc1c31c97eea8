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
    text = _decode(data)
    lines = _lines(text)
    header = _header(lines)
    rows = _rows(header, lines, most_rows + _TITLE_LINES + 1, quoted='"' in text)
    if "=" in text or "@" in text:
        for line, cells in rows:
            _refuse_formulas(line, cells, header.cells)
    titles = sum(1 for _ in takewhile(_is_title, (cells for _, cells in rows[:_TITLE_LINES])))
    del rows[:titles]
    if len(rows) > most_rows:
        raise InvalidCsvError(f"is that of session {most_rows + 1}, at most {most_rows} are read", rows[most_rows][0])
    positions = header.positions
    if "date" not in positions and (titles or not header.cells[0].strip()):
        positions = positions | {"date": 0}  # pandas and yfinance give the dates no title of their own
    columns = list(zip(*(cells for _, cells in rows), strict=True)) or [()] * len(header.cells)
    return Table(
        header.delimiter,
        {field: shown(header.cells[at].strip()) or str(at + 1) for field, at in positions.items()},
        {field: list(map(str.strip, columns[at])) for field, at in positions.items()},
        [line for line, _ in rows],
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
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if max(map(len, lines)) > _LONGEST_LINE:
        number = next(number for number, line in enumerate(lines, start=1) if len(line) > _LONGEST_LINE)
        raise InvalidCsvError(f"is longer than {_LONGEST_LINE} characters", number)
    return lines


def _header(lines: list[str]) -> _Header:
    line, text = next(((number, one) for number, one in enumerate(lines, start=1) if one.strip(_BLANK)), (1, ""))
    # Of the delimiters that one counts by which most columns are known.
    delimiter, cells = max(
        ((delimiter, _cells(text, delimiter, line)) for delimiter in _DELIMITERS),
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
    titles = [_plain(cell) for cell in cells]
    found = {field: next((name for name in names if name in titles), None) for field, names in _NAMES.items()}
    return {field: titles.index(name) for field, name in found.items() if name is not None}


@lru_cache(_TITLES_KEPT)
def _plain(title: str) -> str:
    letters = unicodedata.normalize("NFKD", title.replace("_", " ").replace(".", ""))
    return " ".join("".join(one for one in letters if not unicodedata.combining(one)).casefold().split())


def _rows(header: _Header, lines: list[str], most: int, *, quoted: bool) -> list[_Row]:
    """Return the first rows that are not blank, as wide as the header."""
    filled = _quoted_rows(header, lines) if quoted else _plain_rows(header, lines)
    width = len(header.cells)
    return [
        (line, cells if len(cells) == width else _fitted(cells, width, line)) for line, cells in islice(filled, most)
    ]


def _plain_rows(header: _Header, lines: list[str]) -> Iterator[_Row]:
    """Return the rows of a file without quotation marks: splitting takes a third of the time of the reader of CSV."""
    numbered = enumerate(lines[header.line :], start=header.line + 1)
    return ((number, text.split(header.delimiter)) for number, text in numbered if text.strip(_BLANK))


def _quoted_rows(header: _Header, lines: list[str]) -> Iterator[_Row]:
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


def _is_title(cells: list[str]) -> bool:
    first, *others = map(str.strip, cells)
    named = _plain(first) in {"", "ticker", *_NAMES["date"]}
    return named and all(POINT.read(cell) is None and COMMA.read(cell) is None for cell in others)
