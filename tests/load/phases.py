"""What happens to the system while it is under load, phase by phase, and what becomes of the requests of each."""

import csv
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Self

from benchmarks.load_result import LoadResult

from tests.support.release import Release


@dataclass(frozen=True, slots=True)
class Phase:
    """A part of the load.

    Attributes:
        name: What it is about.
        seconds: Its length.
        users: Users at that time.
        begin: What happens when it begins.
    """

    name: str
    seconds: int
    users: int
    begin: Callable[[Release], object] | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """What became of a request.

    Attributes:
        at: When it was answered, in seconds since 1970.
        seconds: How long it took.
        failure: Why it failed; empty if it did not.
    """

    at: float
    seconds: float
    failure: str

    @classmethod
    def all_in(cls, file: Path) -> list[Self]:
        """Read what the locustfile has written."""
        with file.open(newline="", encoding="utf-8") as lines:
            return [cls(float(at), float(seconds), failure) for at, seconds, failure in csv.reader(lines)]


def begins(phases: Sequence[Phase], started: float) -> list[float]:
    """Return when each phase begins, and when the last one ends."""
    return list(accumulate((phase.seconds for phase in phases), initial=started))


def result(requests: Iterable[Request], start: float, end: float) -> LoadResult:
    """Sum up the requests that were answered in a stretch of time."""
    answered = [one for one in requests if start <= one.at < end]
    failed = [one.failure for one in answered if one.failure]
    good = [(one.at, one.seconds) for one in answered if not one.failure]
    return LoadResult.of(good, start, end, failures=len(failed), first_failure=next(iter(failed), ""))
