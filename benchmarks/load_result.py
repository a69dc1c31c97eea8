"""What one run of the load generator saw."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class LoadResult:
    """Counts and latencies of one run, warm-up left out.

    Attributes:
        requests: Requests that were answered with 200.
        failures: Requests that were not.
        seconds: Length of the run.
        rps: Answered requests a second.
        p50_ms: Median latency in milliseconds, as all that follow.
        p95_ms: Latency that 95 % stayed below.
        p99_ms: Latency that 99 % stayed below.
        max_ms: Longest latency.
        p99_ms_by_second: The same as `p99_ms` for the answers of each whole second.
        first_failure: What the first failure was.
    """

    requests: int
    failures: int
    seconds: float
    rps: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    max_ms: float
    p99_ms_by_second: list[float]
    first_failure: str

    @classmethod
    def of(
        cls,
        answers: Sequence[tuple[float, float]],
        started: float,
        ended: float,
        *,
        failures: int = 0,
        first_failure: str = "",
    ) -> Self:
        """Sum up a run.

        Args:
            answers: When each answer came and how long it took, in seconds.
            started: When the run began, by the same clock.
            ended: When it ended.
            failures: Requests that were not answered with 200.
            first_failure: What the first of them was.
        """
        by_second: list[list[float]] = [[] for _ in range(int(ended - started))]
        for at, latency in answers:
            if int(at - started) < len(by_second):
                by_second[int(at - started)].append(latency)
        latencies = sorted(latency for _, latency in answers)
        return cls(
            requests=len(latencies),
            failures=failures,
            seconds=ended - started,
            rps=len(latencies) / (ended - started),
            p50_ms=_quantile_ms(latencies, 0.5),
            p95_ms=_quantile_ms(latencies, 0.95),
            p99_ms=_quantile_ms(latencies, 0.99),
            max_ms=_quantile_ms(latencies, 1.0),
            p99_ms_by_second=[_quantile_ms(sorted(second), 0.99) for second in by_second],
            first_failure=first_failure,
        )


def _quantile_ms(latencies: list[float], share: float) -> float:
    if not latencies:
        return float("nan")
    return latencies[min(int(share * len(latencies)), len(latencies) - 1)] * 1000
