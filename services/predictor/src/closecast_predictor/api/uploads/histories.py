"""Sessions from CSV, as spreadsheets, exchanges and data vendors write them: in English or Portuguese, in any order."""

from collections.abc import Callable, Sequence
from datetime import date
from itertools import pairwise
from typing import Any, Final, TypeVar

from closecast_predictor.api.schemas.histories import HIGHEST_PRICE, LARGEST_VOLUME
from closecast_predictor.api.uploads.cells import (
    COMMA,
    DATES,
    POINT,
    DateStyle,
    InvalidCsvError,
    NumberStyle,
    is_missing,
    shown,
)
from closecast_predictor.api.uploads.tables import Row, Table, read_table

_SCALES: Final = {"K": 1e3, "M": 1e6, "B": 1e9}

Style = TypeVar("Style")
T = TypeVar("T")


def read_csv(data: bytes, most_rows: int) -> list[dict[str, Any]]:
    """Return the sessions of a CSV file, oldest first where it has dates, else in its own order.

    Args:
        data: The file.
        most_rows: Sessions above which it is refused.

    Raises:
        InvalidCsvError: If it is no text, has no column of closes, or a cell is not what its column holds.
    """
    table = read_table(data, most_rows)
    sessions = _first_that_fits(lambda style: _numbers(table, style), _number_styles(table))
    if "date" not in table.titles:
        return sessions
    dates = _first_that_fits(lambda style: _dates(table, style), DATES)
    return [sessions[at] | {"date": dates[at]} for at in _in_order(table, dates)]


def _number_styles(table: Table) -> Sequence[NumberStyle]:
    """Return the notations of numbers, the likelier one first: `1,234` alone does not tell."""
    if table.delimiter == ",":
        return POINT, COMMA
    commas = any("," in cell for row in table.rows for field, cell in row.cells.items() if field != "date")
    return (COMMA, POINT) if commas else (POINT, COMMA)


def _first_that_fits(read: Callable[[Style], T], styles: Sequence[Style]) -> T:
    """Return what the first style gives that the whole file keeps to; if none, tell of the fault furthest down."""
    faults = []
    for style in styles:
        try:
            return read(style)
        except InvalidCsvError as fault:
            faults.append(fault)
    raise max(faults, key=lambda fault: fault.line)


def _numbers(table: Table, style: NumberStyle) -> list[dict[str, Any]]:
    fields = [field for field in table.titles if field != "date"]
    columns = [_plain_column(table, field, style) for field in fields]
    if None not in columns:
        return [dict(zip(fields, numbers, strict=True)) for numbers in zip(*columns, strict=True)]
    return [{field: _number(table, row, field, style) for field in fields} for row in table.rows]


def _plain_column(table: Table, field: str, style: NumberStyle) -> list[float] | None:
    """Return a column's numbers at once if all are there, plainly written and within bounds: most files are so."""
    numbers = style.read_plain([row.cells[field] for row in table.rows]) if table.rows else None
    if numbers is None:
        return None
    if field == "volume":
        return numbers if min(numbers) >= 0 and max(numbers) <= LARGEST_VOLUME else None
    return numbers if min(numbers) > 0 and max(numbers) <= HIGHEST_PRICE else None


def _number(table: Table, row: Row, field: str, style: NumberStyle) -> float | None:
    cell = row.cells[field]
    if is_missing(cell):
        if field == "close":
            raise table.fault(row, field, "is missing")
        return None
    scale = _SCALES.get(cell[-1].upper(), 1.0) if field == "volume" else 1.0
    number = style.read(cell if scale == 1 else cell[:-1].rstrip())
    if number is None:
        raise table.fault(row, field, f"{shown(cell)!r} is no number")
    number *= scale
    if field == "volume":
        if not 0 <= number <= LARGEST_VOLUME:
            raise table.fault(row, field, f"{shown(cell)} is not from 0 to {LARGEST_VOLUME:g}")
    elif not 0 < number <= HIGHEST_PRICE:
        raise table.fault(row, field, f"{shown(cell)} is not above 0 and up to {HIGHEST_PRICE:g}")
    return number


def _dates(table: Table, style: DateStyle) -> list[date]:
    dates = []
    for row in table.rows:
        day = style.read(row.cells["date"])
        if day is None:
            raise table.fault(row, "date", f"{shown(row.cells['date'])!r} is no date")
        dates.append(day)
    return dates


def _in_order(table: Table, dates: list[date]) -> list[int]:
    """Return the positions of the rows from the oldest date to the latest."""
    order = sorted(range(len(dates)), key=dates.__getitem__)
    for earlier, later in pairwise(order):
        if dates[earlier] == dates[later]:
            known = table.rows[earlier].line
            raise table.fault(table.rows[later], "date", f"{dates[later]} stands in line {known} already")
    return order
