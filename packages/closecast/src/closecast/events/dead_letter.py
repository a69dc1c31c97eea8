"""A record that no reader can use, kept with the reason."""

from dataclasses import dataclass, field
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """The original bytes of a bad record, and why it was refused.

    Attributes:
        key: Key of the record as it was, or what identifies it where it never was a record.
        value: The bytes as they came.
        error: Why it was refused, naming the field.
        source_topic: Topic that the record was on, or the source that it was read from.
        partition: Partition that the record was on; None where it came from no topic.
        offset: Offset of the record in its partition; for a file, the line.
        occurred_at: When it was refused.
    """

    key: bytes | None
    value: bytes | None
    error: str
    source_topic: str
    partition: int | None = None
    offset: int | None = None
    occurred_at: datetime = field(default_factory=lambda: datetime.now(UTC))

    def headers(self) -> list[tuple[str, bytes]]:
        """Return the headers that tell where the record came from and what is wrong with it."""
        named = {
            "source-topic": self.source_topic,
            "partition": self.partition,
            "offset": self.offset,
            "error": self.error,
            "time": self.occurred_at.isoformat(),
        }
        return [(name, str(value).encode()) for name, value in named.items() if value is not None]
