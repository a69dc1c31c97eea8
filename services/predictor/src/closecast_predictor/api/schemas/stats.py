"""How the deployment and its forecasts have fared, over HTTP."""

import datetime as dt
from typing import Final

from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict, JsonValue

_SCORE: Final[JsonDict] = {
    "horizon": 1,
    "scored": 81,
    "late": 0,
    "mae": 0.42,
    "mape": 0.0129,
    "naive_mape": 0.0131,
    "skill": 0.015,
    "coverage_80": 0.79,
}
_SCORES: Final[list[JsonValue]] = [{"symbol": "PETR4.SA", "horizons": [_SCORE]}]
_SINCE: Final = "2025-02-16T00:00:00Z"


class _Answer(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class HorizonScoreAnswer(_Answer):
    """The live error at one horizon; null where nothing has been scored."""

    horizon: int = Field(description="Sessions ahead.")
    scored: int = Field(description="Forecasts made before their session closed, whose close has come.")
    late: int = Field(description="Forecasts made after their session closed, in a replay or backlog; not scored.")
    mae: float | None = Field(description="Mean absolute error of the median, in the currency of the prices.")
    mape: float | None = Field(description="The same as a share of the close.")
    naive_mape: float | None = Field(description='The same of "the close stays where it is".')
    skill: float | None = Field(description="1 - mape / naive_mape; above 0 is better.")
    coverage_80: float | None = Field(description="Share of closes that lay in the 80 % interval.")


class SymbolScoresAnswer(_Answer):
    """The live error of one symbol."""

    symbol: str
    horizons: list[HorizonScoreAnswer]


class OutcomeAnswer(_Answer):
    """One forecast of one close, and the close; prices in the shares of the latest session, as in /quotes."""

    origin: dt.date = Field(description="Latest session that the forecast knew.")
    session: dt.date = Field(description="The session that is forecast.")
    horizon: int = Field(description="Sessions between the two.")
    version: str = Field(description="Version that spoke.")
    live: bool = Field(description="Whether it was made before the session closed.")
    median: float
    lower_80: float = Field(description="Lower bound of the 80 % interval.")
    upper_80: float = Field(description="Upper bound of the 80 % interval.")
    actual: float | None = Field(description="The close; null until it has come.")


class SymbolStatsAnswer(_Answer):
    """How the forecasts of one symbol have fared."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "since": _SINCE,
                "symbols": _SCORES,
                "past": [
                    {
                        "origin": "2025-06-13",
                        "session": "2025-06-16",
                        "horizon": 1,
                        "version": "3",
                        "live": True,
                        "median": 32.57,
                        "lower_80": 31.82,
                        "upper_80": 33.34,
                        "actual": 32.72,
                    }
                ],
            }
        }
    )

    since: dt.datetime = Field(description="When the oldest forecasts were made that are told of.")
    symbols: list[SymbolScoresAnswer] = Field(description="The live error of this symbol.")
    past: list[OutcomeAnswer] = Field(description="By origin and horizon.")


class LatencyAnswer(_Answer):
    """Quantiles of the time from a request to its answer inside a replica, in milliseconds; null without requests."""

    p50: float | None
    p95: float | None
    p99: float | None


class RequestsAnswer(_Answer):
    """What HTTP was asked, of all replicas."""

    since: dt.datetime | None = Field(description="Since when it is counted.")
    total: int
    by_status: dict[str, int]
    predictions: dict[str, int] = Field(description="Forecasts that were answered, by what they were made from.")
    latency_ms: LatencyAnswer


class GpuAnswer(_Answer):
    """The graphics processors of the machine, whoever uses them."""

    name: str
    count: int
    busy_percent: float
    memory_used_bytes: int
    memory_total_bytes: int


class HardwareAnswer(_Answer):
    """What the deployment's processes use of their machine."""

    processes: int
    cpu_cores: int = Field(description="Cores of the machine.")
    cpu_cores_used: float = Field(description="Cores kept busy since the last look.")
    memory_bytes: int = Field(description="Memory, what processes share counted once.")
    memory_total_bytes: int
    gpu: GpuAnswer | None = Field(description="Null where there is none.")


class KafkaAnswer(_Answer):
    """How far the forecaster is behind the topics."""

    lag: dict[str, int] = Field(description="Records still to be read, by topic.")


class SpeakingModelAnswer(_Answer):
    """The model that speaks."""

    model: str
    version: str = Field(description='Version of the model, or "base" while none has been promoted.')
    age_seconds: int | None = Field(description="Seconds since it was trained; null for the base.")


class StatsAnswer(_Answer):
    """The whole deployment, whichever replica answers."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "since": _SINCE,
                "symbols": _SCORES,
                "requests": {
                    "since": "2025-06-10T08:00:00Z",
                    "total": 18204,
                    "by_status": {"200": 18190, "422": 14},
                    "predictions": {"history": 12, "snapshot": 18102},
                    "latency_ms": {"p50": 0.09, "p95": 0.21, "p99": 0.62},
                },
                "hardware": {
                    "processes": 11,
                    "cpu_cores": 8,
                    "cpu_cores_used": 0.12,
                    "memory_bytes": 912_000_000,
                    "memory_total_bytes": 16_700_000_000,
                    "gpu": None,
                },
                "kafka": {"lag": {"closecast.quotes": 0, "closecast.models": 0}},
                "model": {"model": "closecast-panel", "version": "3", "age_seconds": 1_203_400},
            }
        }
    )

    since: dt.datetime = Field(description="When the oldest forecasts were made that are scored.")
    symbols: list[SymbolScoresAnswer]
    requests: RequestsAnswer
    hardware: HardwareAnswer
    kafka: KafkaAnswer
    model: SpeakingModelAnswer
