"""The trainer's own copy of all quotes: rows and the offsets they came from are stored in one transaction."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import duckdb
import numpy as np
from numpy.typing import NDArray

from closecast.events import Quote, TrainingOutcome
from closecast.forecasting.panel import Panel
from closecast.forecasting.series import InvalidSeriesError

_FILE_NAME: Final = "history.duckdb"
_ENGINE: Final = {"threads": "2", "memory_limit": "1GB"}

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS quotes (
    symbol VARCHAR, session DATE, exchange VARCHAR, open DOUBLE, high DOUBLE, low DOUBLE, close DOUBLE,
    adjusted_close DOUBLE, volume BIGINT, dividend DOUBLE, split DOUBLE, currency VARCHAR, source VARCHAR,
    revision INTEGER, as_of TIMESTAMP, PRIMARY KEY (symbol, session)
);
CREATE TABLE IF NOT EXISTS offsets (
    topic_id VARCHAR, part INTEGER, next_offset BIGINT, PRIMARY KEY (topic_id, part)
);
CREATE TABLE IF NOT EXISTS trainings (
    request_id VARCHAR PRIMARY KEY, model VARCHAR, whole_universe BOOLEAN, fingerprint VARCHAR, last_session DATE,
    outcome VARCHAR, finished_at TIMESTAMP
);
"""

_COLUMNS: Final = {
    "symbol": np.dtype(object),
    "session": np.dtype("datetime64[us]"),
    "exchange": np.dtype(object),
    "open": np.dtype(np.float64),
    "high": np.dtype(np.float64),
    "low": np.dtype(np.float64),
    "close": np.dtype(np.float64),
    "adjusted_close": np.dtype(np.float64),
    "volume": np.dtype(np.int64),
    "dividend": np.dtype(np.float64),
    "split": np.dtype(np.float64),
    "currency": np.dtype(object),
    "source": np.dtype(object),
    "revision": np.dtype(np.int32),
    "as_of": np.dtype("datetime64[us]"),
}
_IDENTITY: Final = ("symbol", "session")
_UPSERT: Final = f"""
INSERT INTO quotes SELECT {", ".join(_COLUMNS)} FROM incoming
ON CONFLICT (symbol, session) DO UPDATE
SET {", ".join(f"{name} = excluded.{name}" for name in _COLUMNS if name not in _IDENTITY)}
WHERE excluded.revision >= quotes.revision
"""  # noqa: S608 - built from the constant column names above
_PANEL: Final = (
    "symbol",
    "session",
    "open",
    "high",
    "low",
    "close",
    "volume",
    "dividend",
    "split",
    "revision",
)


class HistoryInUseError(RuntimeError):
    """Another process has the history open."""


@dataclass(frozen=True, slots=True)
class PastTraining:
    """What the retraining policy remembers of a training.

    Attributes:
        model: Name of the registered model.
        fingerprint: Of the quotes that it saw; empty if there were none.
        last_session: The latest of them; None if there were none.
        outcome: What became of it.
        finished_at: When its outcome was published.
    """

    model: str
    fingerprint: str
    last_session: date | None
    outcome: TrainingOutcome
    finished_at: datetime


class History:
    """All quotes seen so far, latest revision of each, in one DuckDB file.

    One process at a time holds the file. Reading is safe from another thread while quotes are stored.

    Args:
        folder: Folder of the file; made if missing.

    Raises:
        HistoryInUseError: If another process has it open.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / _FILE_NAME
        try:
            self._connection = duckdb.connect(str(path), config=dict(_ENGINE))
        except duckdb.IOException as error:
            if "lock" not in str(error):
                raise
            raise HistoryInUseError(f"{path} is open in another process") from error
        self._connection.execute(_SCHEMA)

    def close(self) -> None:
        """Write everything out and let go of the file."""
        self._connection.close()

    def store(self, quotes: Iterable[Quote], topic_id: str, offsets: Mapping[int, int]) -> None:
        """Keep quotes and the offsets to go on from, both or neither.

        A lower revision than the one kept is ignored; among equal revisions the later record wins, as in compaction.

        Args:
            quotes: In the order of the topic.
            topic_id: Kafka's id of the topic; a topic that was deleted and made anew has another one.
            offsets: Next offset to read, by partition.
        """
        incoming = _columns_of(_latest_revisions(quotes))
        with _Transaction(self._connection) as transaction:
            if incoming["symbol"].size:
                transaction.register("incoming", incoming)
                transaction.execute(_UPSERT)
                transaction.unregister("incoming")
            for partition, offset in offsets.items():
                transaction.execute("INSERT OR REPLACE INTO offsets VALUES (?, ?, ?)", [topic_id, partition, offset])

    def offsets(self, topic_id: str) -> dict[int, int]:
        """Return the next offset to read of each partition of a topic that anything was read of."""
        rows = self._connection.execute(
            "SELECT part, next_offset FROM offsets WHERE topic_id = ?", [topic_id]
        ).fetchall()
        return dict(rows)

    def panel(self, symbols: Sequence[str] = (), start: date | None = None, end: date | None = None) -> Panel:
        """Return histories as they stand now, whatever is stored while they are read.

        Args:
            symbols: Symbols to return; none for all. One without quotes in the range is left out.
            start: First session; None for the first there is.
            end: Last session; None for the latest.

        Raises:
            InvalidSeriesError: If no symbol has a quote in the range.
        """
        with self._connection.cursor() as cursor:
            rows = cursor.execute(
                f"SELECT {', '.join(_PANEL)} FROM quotes "  # noqa: S608 - constant names
                "WHERE ($all OR list_contains($symbols, symbol)) AND session BETWEEN $start AND $end",
                {
                    "all": not symbols,
                    "symbols": list(symbols) or [""],
                    "start": start or date.min,
                    "end": end or date.max,
                },
            ).fetchnumpy()
        if not rows["symbol"].size:
            raise InvalidSeriesError("no quotes are known of these symbols in this range of sessions")
        return Panel.from_columns(**rows)

    def count_sessions(self, after: date | None = None) -> int:
        """Return on how many days any symbol traded, after a day if one is given."""
        row = self._connection.execute(
            "SELECT count(DISTINCT session) FROM quotes WHERE session > ?", [after or date.min]
        ).fetchone()
        return int(row[0]) if row else 0

    def count_quotes(self) -> int:
        """Return how many quotes are kept."""
        row = self._connection.execute("SELECT count(*) FROM quotes").fetchone()
        return int(row[0]) if row else 0

    def record_training(self, request_id: UUID, training: PastTraining, *, whole_universe: bool) -> None:
        """Remember a training whose outcome has been published; a repeated request replaces its own entry."""
        self._connection.execute(
            "INSERT OR REPLACE INTO trainings VALUES (?, ?, ?, ?, ?, ?, ?)",
            [
                str(request_id),
                training.model,
                whole_universe,
                training.fingerprint,
                training.last_session,
                training.outcome,
                training.finished_at.astimezone(UTC).replace(tzinfo=None),
            ],
        )

    def last_training(self, model: str) -> PastTraining | None:
        """Return the latest training of a model on the whole universe, or None."""
        row = self._connection.execute(
            "SELECT fingerprint, last_session, outcome, finished_at FROM trainings "
            "WHERE model = ? AND whole_universe ORDER BY finished_at DESC LIMIT 1",
            [model],
        ).fetchone()
        if row is None:
            return None
        fingerprint, last_session, outcome, finished_at = row
        return PastTraining(model, fingerprint, last_session, outcome, finished_at.replace(tzinfo=UTC))


class _Transaction:
    """Commits what the block did, or undoes all of it."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection

    def __enter__(self) -> duckdb.DuckDBPyConnection:
        return self._connection.begin()

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self._connection.commit()
        else:
            self._connection.rollback()


def _latest_revisions(quotes: Iterable[Quote]) -> list[Quote]:
    latest: dict[tuple[str, date], Quote] = {}
    for quote in quotes:
        identity = (quote.symbol, quote.session)
        kept = latest.get(identity)
        if kept is None or quote.revision >= kept.revision:
            latest[identity] = quote
    return list(latest.values())


def _columns_of(quotes: Sequence[Quote]) -> dict[str, NDArray[Any]]:
    return {name: np.array([_value(quote, name) for quote in quotes], dtype=dtype) for name, dtype in _COLUMNS.items()}


def _value(quote: Quote, name: str) -> object:
    value: object = getattr(quote, name)
    return value.astimezone(UTC).replace(tzinfo=None) if isinstance(value, datetime) else value
