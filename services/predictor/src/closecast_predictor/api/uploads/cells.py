"""What the cells of a CSV file say: numbers and dates in the notations that people use."""

import re
from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np
import orjson

from closecast.forecasting.series import Floats

_LONGEST_DATE: Final = 40
_SHOWN: Final = 24
_BREAK: Final = "\n"
_PLAIN: Final = b"-+.,0123456789"
_PLAIN_DATES: Final = re.compile(r"(?:\d{4}-\d\d-\d\d\n)*\d{4}-\d\d-\d\d", re.ASCII)
_TIME: Final = r"(?:[T ]\d.{0,30})?"
_MISSING: Final = frozenset({"", "-", "null", "nan", "na", "n/a"})


class InvalidCsvError(ValueError):
    """The file is no CSV of quotes; the message names line and column.

    Args:
        reason: What is wrong.
        line: The line at fault, counted from 1.
        column: The column at fault as the file calls it.
    """

    def __init__(self, reason: str, line: int | None = None, column: str | None = None) -> None:
        self.line = line or 0
        where = ([] if line is None else [f"line {line}"]) + ([] if column is None else [f"column {column}"])
        super().__init__(": ".join([", ".join(where), reason] if where else [reason]))


class NumberStyle:
    """A notation of numbers.

    Args:
        thousands: Stands between groups of three digits, or nowhere.
        decimal: Stands before the fraction.
    """

    def __init__(self, thousands: str, decimal: str) -> None:
        self._thousands, self._decimal = thousands, decimal
        whole = rf"(?:\d+|\d{{1,3}}(?:{re.escape(thousands)}\d{{3}})+)"
        fraction = re.escape(decimal)
        number = rf"[+-]?(?:{whole}(?:{fraction}\d*)?|{fraction}\d+)(?:[eE][+-]?\d{{1,3}})?"
        self._pattern = re.compile(number, re.ASCII)

    def read(self, cell: str) -> float | None:
        """Return the number that a cell holds, None if it is none in this notation."""
        if not self._pattern.fullmatch(cell):
            return None
        return float(cell.replace(self._thousands, "").replace(self._decimal, "."))

    def read_plain(self, cells: list[str]) -> Floats | None:
        """Return what `read` gives for each cell, at once; None if one is more than digits, sign and fraction.

        Such numbers are those of JSON, and orjson reads them six times as fast as `float` does.
        """
        text = _BREAK.join(cells)
        if self._thousands in text:
            return None
        text = text.replace(self._decimal, ".").replace(_BREAK, ",")
        if text.encode(errors="replace").translate(None, _PLAIN):
            return None
        try:
            numbers = np.array(orjson.loads(f"[{text}]"), dtype=np.float64)
        except orjson.JSONDecodeError:
            return None
        return numbers if len(numbers) == len(cells) else None


@dataclass(frozen=True, slots=True)
class DateStyle:
    """A notation of dates; a time of day may follow.

    Args:
        pattern: Finds year, month and day.
    """

    pattern: re.Pattern[str]

    def read(self, cell: str) -> date | None:
        """Return the date that a cell holds, None if it is none in this notation."""
        found = self.pattern.fullmatch(cell) if len(cell) <= _LONGEST_DATE else None
        try:
            return None if found is None else date(int(found["year"]), int(found["month"]), int(found["day"]))
        except ValueError:
            return None


def read_plain_dates(cells: list[str]) -> list[date] | None:
    """Return the dates of cells that all say year-month-day, at once; None if one says more or less."""
    if not _PLAIN_DATES.fullmatch(_BREAK.join(cells)):
        return None
    try:
        return list(map(date.fromisoformat, cells))
    except ValueError:
        return None


POINT: Final = NumberStyle(thousands=",", decimal=".")
COMMA: Final = NumberStyle(thousands=".", decimal=",")
DATES: Final = tuple(
    DateStyle(re.compile(pattern + _TIME, re.ASCII))
    for pattern in (
        r"(?P<year>\d{4})([-/.]?)(?P<month>\d{2})\2(?P<day>\d{2})",
        r"(?P<day>\d{1,2})([-/.])(?P<month>\d{1,2})\2(?P<year>\d{4})",
        r"(?P<month>\d{1,2})([-/.])(?P<day>\d{1,2})\2(?P<year>\d{4})",
    )
)
"""Year first, day first, month first: a whole file keeps to one, and the first that fits is taken."""


def is_missing(cell: str) -> bool:
    """Tell whether a cell says that there is no value."""
    return cell.casefold() in _MISSING


def shown(cell: str) -> str:
    """Return a cell as an error may quote it."""
    return cell if len(cell) <= _SHOWN else f"{cell[:_SHOWN]}…"
