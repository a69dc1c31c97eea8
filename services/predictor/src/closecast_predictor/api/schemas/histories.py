"""Histories that clients send: sessions or closes alone on the wire, columns inside."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from operator import attrgetter, itemgetter
from typing import Annotated, Any, Final, Required, Self, TypeAlias

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    GetCoreSchemaHandler,
    Tag,
    TypeAdapter,
    ValidationError,
    with_config,
)
from pydantic_core import CoreSchema, core_schema
from typing_extensions import TypedDict

HIGHEST_PRICE: Final = 1e12
LARGEST_VOLUME: Final = 1e15

Price = Annotated[float, Field(gt=0, le=HIGHEST_PRICE, strict=True, allow_inf_nan=False)]
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


_RowsOrCloses: TypeAlias = Annotated[
    Annotated[list[HistoryRow], Tag("rows")] | Annotated[list[Price], Tag("closes")], Discriminator(_shape_of)
]


@with_config(ConfigDict(extra="forbid", allow_inf_nan=False))
class _Columns(TypedDict, total=False):
    date: list[dt.date | None]
    open: list[Price | None]
    high: list[Price | None]
    low: list[Price | None]
    close: Required[list[Price]]
    volume: list[Volume | None]


_COLUMNS: Final = TypeAdapter(_Columns)


@dataclass(frozen=True, slots=True)
class History:
    """The columns of a history, oldest session first; None where something is not known.

    Attributes:
        close: Closes.
        date: Trading days.
        open: First prices.
        high: Highest prices.
        low: Lowest prices.
        volume: Shares traded.
    """

    close: list[float]
    date: list[dt.date | None] | None = None
    open: list[float | None] | None = None
    high: list[float | None] | None = None
    low: list[float | None] | None = None
    volume: list[float | None] | None = None

    def __len__(self) -> int:
        return len(self.close)

    @classmethod
    def of(cls, sessions: list[HistoryRow] | list[float]) -> Self:
        """Return the history of sessions, or of closes alone."""
        rows = [one for one in sessions if isinstance(one, HistoryRow)]
        if rows:
            return cls(**{name: list(map(attrgetter(name), rows)) for name in FIELDS})
        return cls(close=[one for one in sessions if not isinstance(one, HistoryRow)])

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
                return cls(**_COLUMNS.validate_python(columns))
            except ValidationError:
                pass
        return cls.of(read_one_by_one(sent))


def _columns(sent: object) -> dict[str, list[Any]] | None:
    """Return the columns of sessions that all have the same known fields; None for anything else."""
    if not isinstance(sent, list) or not sent or not all(type(row) is dict for row in sent):
        return None
    names = sent[0].keys()
    if "close" not in names or not names <= set(FIELDS) or not all(row.keys() == names for row in sent):
        return None
    return {name: list(map(itemgetter(name), sent)) for name in names}
