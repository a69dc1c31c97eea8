"""When to stop rather than to dead-letter everything (the limits of Sentry's arroyo)."""

from collections import deque

from pydantic import BaseModel, ConfigDict, Field

from closecast.kafka.errors import TooManyInvalidRecordsError


class InvalidRecordLimits(BaseModel):
    """How many bad records a reader sets aside before it takes the writer for broken."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_invalid_ratio: float = Field(default=0.2, gt=0, le=1, description="Largest share of bad records.")
    max_consecutive: int = Field(default=100, ge=1, description="Most bad records in a row.")
    window: int = Field(default=1000, ge=10, description="Records over which the share is taken.")


class InvalidRecordPolicy:
    """Counts good and bad records of one stream."""

    def __init__(self, limits: InvalidRecordLimits) -> None:
        self._limits = limits
        self._recent: deque[bool] = deque(maxlen=limits.window)
        self._invalid = 0
        self._consecutive = 0

    def valid(self) -> None:
        """Note a good record."""
        self._note(invalid=False)
        self._consecutive = 0

    def invalid(self, reason: str) -> None:
        """Note a bad record.

        Raises:
            TooManyInvalidRecordsError: If the limits are passed; the share counts once a window is full.
        """
        self._note(invalid=True)
        self._consecutive += 1
        if self._consecutive > self._limits.max_consecutive:
            msg = f"{self._consecutive} bad records in a row (max_consecutive), the last one: {reason}"
            raise TooManyInvalidRecordsError(msg)
        full = len(self._recent) == self._limits.window
        if full and self._invalid > self._limits.max_invalid_ratio * self._limits.window:
            msg = (
                f"{self._invalid} of the last {self._limits.window} records are bad (max_invalid_ratio), "
                f"the last one: {reason}"
            )
            raise TooManyInvalidRecordsError(msg)

    def _note(self, *, invalid: bool) -> None:
        if len(self._recent) == self._limits.window:
            self._invalid -= self._recent[0]
        self._recent.append(invalid)
        self._invalid += invalid
