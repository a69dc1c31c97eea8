"""Sessions from CSV, as spreadsheets, exchanges and data vendors write them: in English or Portuguese, in any order."""

import math
from collections.abc import Callable, Sequence
from datetime import date
from itertools import pairwise
from operator import lt
from typing import Final, TypeVar

import numpy as np

from closecast.forecasting.series import Floats
from closecast_predictor.api.schemas.histories import HIGHEST_PRICE, LARGEST_VOLUME, LOWEST_PRICE, History
from closecast_predictor.api.uploads.cells import (
    COMMA,
    DATES,
    POINT,
    DateStyle,
    InvalidCsvError,
    NumberStyle,
    is_missing,
    read_plain_dates,
    shown,
)
from closecast_predictor.api.uploads.tables import Table, read_table

_SCALES: Final = {"K": 1e3, "M": 1e6, "B": 1e9}

Style = TypeVar("Style")
T = TypeVar("T")


def read_csv(data: bytes, most_rows: int) -> History:
    """Return the sessions of a CSV file, oldest first where it has dates, else in its own order.

    Args:
        data: The file.
        most_rows: Sessions above which it is refused.

    Raises:
        InvalidCsvError: If it is no text, has no column of closes, or a cell is not what its column holds.
    """
    table = read_table(data, most_rows)
    numbers = _first_that_fits(lambda style: _numbers(table, style), _number_styles(table))
    if "date" not in table.titles:
        return History(**numbers, date=None)
    days = read_plain_dates(table.columns["date"]) or _first_that_fits(lambda style: _dates(table, style), DATES)
    if all(map(lt, days, days[1:])):
        return History(**numbers, date=days)
    order = _order(table, days)
    return History(
        **{field: column[order] for field, column in numbers.items()},
        date=[days[at] for at in order],
    )


def _number_styles(table: Table) -> Sequence[NumberStyle]:
    """Return the notations of numbers, the likelier one first: `1,234` alone does not tell."""
    if table.delimiter == ",":
        return POINT, COMMA
    commas = any("," in cell for field, cells in table.columns.items() if field != "date" for cell in cells)
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


def _numbers(table: Table, style: NumberStyle) -> dict[str, Floats]:
    """Return the columns of numbers; of several faults the one that stands first in the file is told."""
    columns, faults = {}, []
    for field in (one for one in table.columns if one != "date"):
        try:
            column = _plain_column(table, field, style)
            columns[field] = _column(table, field, style) if column is None else column
        except InvalidCsvError as fault:
            faults.append(fault)
    if faults:
        raise min(faults, key=lambda fault: fault.line)
    return columns


def _plain_column(table: Table, field: str, style: NumberStyle) -> Floats | None:
    """Return a column's numbers at once if all are there, plainly written and within bounds: most files are so."""
    numbers = style.read_plain(table.columns[field])
    if numbers is None or not len(numbers):
        return None
    least, most = _bounds(field)
    return numbers if numbers.min() >= least and numbers.max() <= most else None


def _column(table: Table, field: str, style: NumberStyle) -> Floats:
    return np.array([_number(table, at, field, style) for at in range(len(table.lines))])


def _number(table: Table, at: int, field: str, style: NumberStyle) -> float:
    cell = table.columns[field][at]
    if is_missing(cell):
        if field == "close":
            raise table.fault(at, field, "is missing")
        return math.nan
    scale = _SCALES.get(cell[-1].upper(), 1.0) if field == "volume" else 1.0
    number = style.read(cell if scale == 1 else cell[:-1].rstrip())
    if number is None:
        raise table.fault(at, field, f"{shown(cell)!r} is no number")
    number *= scale
    least, most = _bounds(field)
    if not least <= number <= most:
        raise table.fault(at, field, f"{shown(cell)} is not from {least:g} to {most:g}")
    return number


def _bounds(field: str) -> tuple[float, float]:
    """Return the least and the largest number that a column may hold."""
    return (0, LARGEST_VOLUME) if field == "volume" else (LOWEST_PRICE, HIGHEST_PRICE)


def _dates(table: Table, style: DateStyle) -> list[date]:
    dates = []
    for at, cell in enumerate(table.columns["date"]):
        day = style.read(cell)
        if day is None:
            raise table.fault(at, "date", f"{shown(cell)!r} is no date")
        dates.append(day)
    return dates


def _order(table: Table, dates: list[date]) -> list[int]:
    """Return the positions of the rows from the oldest date to the latest."""
    order = sorted(range(len(dates)), key=dates.__getitem__)
    for earlier, later in pairwise(order):
        if dates[earlier] == dates[later]:
            known = table.lines[earlier]
            raise table.fault(later, "date", f"{dates[later]} stands in line {known} already")
    return order
