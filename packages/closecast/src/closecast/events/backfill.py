"""A wish for quotes of a symbol that there are none of, and what became of it."""

from datetime import UTC, date, datetime
from typing import Any, ClassVar, Literal
from uuid import UUID, uuid4

from pydantic import AwareDatetime, Field

from closecast.events.base import Event
from closecast.symbols import Symbol

BackfillOutcome = Literal["served", "unknown", "failed"]


class BackfillRequest(Event):
    """Asks the ingestor for all quotes that its source has of a symbol."""

    example: ClassVar[dict[str, Any]] = {
        "schema_version": "1.0",
        "id": "5b0a7c3e-6a51-4f2e-9d43-2f6a3d0b8c77",
        "symbol": "WEGE3.SA",
        "requested_at": "2025-07-01T12:00:00Z",
    }

    id: UUID = Field(default_factory=uuid4, description="Identifies the request; its outcome carries it.")
    symbol: Symbol = Field(description="Canonical symbol in Yahoo's notation.")
    requested_at: AwareDatetime = Field(default_factory=lambda: datetime.now(UTC))

    def key(self) -> bytes:
        """Return the symbol: requests for a symbol stay in order."""
        return self.symbol.encode()


class BackfillEvent(Event):
    """The outcome of one backfill request: served, unknown to the source, or failed."""

    example: ClassVar[dict[str, Any]] = {
        "schema_version": "1.0",
        "request_id": "5b0a7c3e-6a51-4f2e-9d43-2f6a3d0b8c77",
        "symbol": "WEGE3.SA",
        "outcome": "served",
        "reason": "yahoo has 4417 sessions of WEGE3.SA",
        "last_session": "2025-06-30",
        "source": "yahoo",
        "ingestor": "closecast.ingestor",
        "occurred_at": "2025-07-01T12:00:04Z",
    }

    request_id: UUID = Field(description="The backfill request that this answers.")
    symbol: Symbol = Field(description="Canonical symbol in Yahoo's notation.")
    outcome: BackfillOutcome = Field(
        description="served: its quotes are on Kafka; unknown: the source has none; failed: a later request may help."
    )
    reason: str = Field(description="What the source has, or why it gave nothing.")
    last_session: date | None = Field(default=None, description="Latest session published; none unless served.")
    source: str = Field(description="The source that was asked.")
    ingestor: str = Field(description="Identity of the ingestor that answered; it keeps the symbol up to date.")
    occurred_at: AwareDatetime = Field(default_factory=lambda: datetime.now(UTC))

    def key(self) -> bytes:
        """Return the symbol: compaction keeps the latest outcome of each."""
        return self.symbol.encode()
