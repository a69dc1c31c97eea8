"""Histories that clients send: sessions or closes alone on the wire, columns inside."""

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import attrgetter, itemgetter
from typing import Annotated, Any, Final, Required, Self, TypeAlias

import numpy as np
from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    FailFast,
    Field,
    GetCoreSchemaHandler,
    Tag,
    TypeAdapter,
    ValidationError,
    with_config,
)
from pydantic_core import CoreSchema, core_schema
from typing_extensions import TypedDict

from closecast.forecasting.series import Floats

MOST_SESSIONS: Final = 100_000
"""Above what any replica takes (`CLOSECAST_PREDICTOR_MAX_HISTORY`)."""

LOWEST_PRICE: Final = 1e-9
HIGHEST_PRICE: Final = 1e12
LARGEST_VOLUME: Final = 1e15

Price = Annotated[float, Field(ge=LOWEST_PRICE, le=HIGHEST_PRICE, strict=True, allow_inf_nan=False)]
Volume = Annotated[float, Field(ge=0, le=LARGEST_VOLUME, strict=True)]


class HistoryRow(BaseModel):
    """One session of a history, adjusted for splits."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    date: Annotated[dt.date | None, Field(description="Trading day; give it on all sessions or on none.")] = None
    open: Price | None = None
    high: Price | None = None
    low: Price | None = None
    close: Price
    volume: Volume | None = None


FIELDS: Final = tuple(HistoryRow.model_fields)


def _shape_of(history: object) -> str:
    first = history[0] if isinstance(history, list) and history else None
    return "closes" if isinstance(first, int | float) else "rows"


class _FailFast(FailFast):
    """Tells one fault of a list: of half a million pydantic would hold all first, in a gigabyte.

    Pydantic's own cannot stand in a union, because it has no hash.
    """

    def __hash__(self) -> int:
        return hash(self.fail_fast)


_RowsOrCloses: TypeAlias = Annotated[
    Annotated[list[HistoryRow], Field(max_length=MOST_SESSIONS), _FailFast(), Tag("rows")]
    | Annotated[list[Price], Field(max_length=MOST_SESSIONS), _FailFast(), Tag("closes")],
    Discriminator(_shape_of),
]


@with_config(ConfigDict(extra="forbid", allow_inf_nan=False))
class _Columns(TypedDict, total=False):
    date: Annotated[list[dt.date | None], _FailFast()]
    open: Annotated[list[Price | None], _FailFast()]
    high: Annotated[list[Price | None], _FailFast()]
    low: Annotated[list[Price | None], _FailFast()]
    close: Required[Annotated[list[Price], _FailFast()]]
    volume: Annotated[list[Volume | None], _FailFast()]


_COLUMNS: Final = TypeAdapter(_Columns)


@dataclass(frozen=True, slots=True, eq=False)
class History:
    """The columns of a history, oldest session first; NaN or None where something is not known.

    Attributes:
        close: Closes.
        date: Trading days.
        open: First prices.
        high: Highest prices.
        low: Lowest prices.
        volume: Shares traded.
    """

    close: Floats
    date: Sequence[dt.date | None] | None = None
    open: Floats | None = None
    high: Floats | None = None
    low: Floats | None = None
    volume: Floats | None = None

    def __len__(self) -> int:
        return len(self.close)

    @classmethod
    def of(cls, sessions: list[HistoryRow] | list[float]) -> Self:
        """Return the history of sessions, or of closes alone."""
        rows = [one for one in sessions if isinstance(one, HistoryRow)]
        if rows:
            return cls._of_columns(**{name: list(map(attrgetter(name), rows)) for name in FIELDS})
        return cls(close=np.array(sessions, dtype=np.float64))

    @classmethod
    def _of_columns(
        cls, *, date: Sequence[dt.date | None] | None = None, **numbers: Sequence[float] | Sequence[float | None]
    ) -> Self:
        return cls(date=date, **{name: np.array(column, dtype=np.float64) for name, column in numbers.items()})

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Return the schema of what is sent."""
        return core_schema.no_info_wrap_validator_function(cls._read, handler(_RowsOrCloses))

    @classmethod
    def _read(cls, sent: object, read_one_by_one: Callable[[object], list[HistoryRow] | list[float]]) -> Self:
        """Validate columns, which takes a fifth of the time; row by row only where a fault is to be named."""
        if isinstance(sent, cls):
            return sent  # of a file, whose reader has checked it
        columns = _columns(sent)
        if columns is not None:
            try:
                return cls._of_columns(**_COLUMNS.validate_python(columns))
            except ValidationError:
                pass
        return cls.of(read_one_by_one(sent))


def _columns(sent: object) -> dict[str, list[Any]] | None:
    """Return the columns of sessions that all have the same known fields; None for anything else."""
    if not isinstance(sent, list) or not 0 < len(sent) <= MOST_SESSIONS or not all(type(row) is dict for row in sent):
        return None
    names = sent[0].keys()
    if "close" not in names or not names <= set(FIELDS) or not all(row.keys() == names for row in sent):
        return None
    return {name: list(map(itemgetter(name), sent)) for name in names}
