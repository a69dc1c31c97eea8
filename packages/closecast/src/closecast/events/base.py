"""What all events share: a schema version, JSON on the wire, a key, and a clear error for what is none."""

from datetime import datetime
from typing import Any, ClassVar, Final, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

SCHEMA_MAJOR: Final = "1"
SCHEMA_VERSION: Final = f"{SCHEMA_MAJOR}.0"


class InvalidEventError(ValueError):
    """The bytes of a record are not an event that this version understands; the message names the field."""


def describe_errors(error: ValidationError) -> str:
    """Return the faults that pydantic found as one line: ``field: reason; field: reason``."""
    return "; ".join(
        f"{'.'.join(map(str, fault['loc'])) or 'record'}: {fault['msg']}"
        for fault in error.errors(include_url=False, include_context=False, include_input=False)
    )


class Event(BaseModel):
    """A fact on a topic: immutable JSON with a schema version.

    Fields that a newer minor version added are ignored; another major version is refused.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    example: ClassVar[dict[str, Any]]
    """A valid event as it appears in the generated documents."""

    schema_version: str = Field(
        default=SCHEMA_VERSION,
        description="Version of the schema, major.minor; another major version is refused.",
    )

    @field_validator("schema_version")
    @classmethod
    def _same_major(cls, version: str) -> str:
        if version.partition(".")[0] != SCHEMA_MAJOR:
            msg = f"major version {version.partition('.')[0]!r} is unknown, this reader understands {SCHEMA_MAJOR}"
            raise ValueError(msg)
        return version

    def to_bytes(self) -> bytes:
        """Return the event as JSON in UTF-8."""
        return self.__pydantic_serializer__.to_json(self)

    @classmethod
    def from_bytes(cls, data: bytes | None) -> Self:
        """Read an event from the value of a record.

        Raises:
            InvalidEventError: If it is no JSON, misses a field, or holds a value out of bounds.
        """
        if data is None:
            raise InvalidEventError("record: has no value")
        try:
            return cls.model_validate_json(data)
        except ValidationError as error:
            raise InvalidEventError(describe_errors(error)) from error

    def key(self) -> bytes:
        """Return the key of the record; compaction keeps the latest record of each."""
        raise NotImplementedError

    def partition_key(self) -> bytes:
        """Return what decides the partition: all records that must stay in order share it."""
        return self.key()

    def timestamp(self) -> datetime | None:
        """Return the time that the record carries, or None for the time at which it is sent."""
        return None
