"""Settings of the predictor."""

from pathlib import Path
from typing import Annotated, ClassVar, Final, Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator
from pydantic_settings import NoDecode

from closecast.kafka import KafkaSettings
from closecast.mlflow_settings import MlflowSettings
from closecast.settings import ServiceSettings, service_config
from closecast.symbols import Symbol
from closecast.telemetry.logs import LogSettings
from closecast.telemetry.metrics import MetricsSettings
from closecast_predictor.access.limits import check_rate
from closecast_predictor.access.settings import AuthSettings
from closecast_predictor.api.schemas.histories import MOST_SESSIONS
from closecast_predictor.companies import DEFAULT_COMPANIES
from closecast_predictor.drift import DriftSettings
from closecast_predictor.scoring import DEFAULT_SCORE_DAYS
from closecast_predictor.windows import DEFAULT_SESSIONS

DEFAULT_MAX_BODY: Final = 2 * 2**20
DEFAULT_MAX_HISTORY: Final = 5000
DEFAULT_MAX_IN_PROGRESS: Final = 128


class PredictorSettings(ServiceSettings):
    """Serves forecasts over HTTP: keeps up with the quotes on Kafka and with the champion in MLflow.

    closecast-predictor keys new --name NAME --scopes predict,train    make an API key
    closecast-predictor hash-password NAME --scopes predict            hash a user's password
    """

    model_config = service_config("PREDICTOR", "closecast-predictor")
    default_metrics_port: ClassVar[int] = 9203

    host: str = Field(default="127.0.0.1", description="Address that HTTP listens on; 0.0.0.0 for all.")
    port: int = Field(default=8000, ge=1, le=65535, description="Port of HTTP.")
    min_replicas: int = Field(default=1, ge=1, le=1000, description="Fewest replicas that answer requests.")
    max_replicas: int = Field(default=2, ge=1, le=1000, description="Most replicas that answer requests.")
    target_busy: float = Field(
        default=0.7, gt=0, le=1, description="Share of its time that a replica may be busy before one more is started."
    )
    replica_cpus: float = Field(
        default=0,
        ge=0,
        le=64,
        description="Logical CPUs that Ray sets aside for a replica; a cluster grows when no node has them left.",
    )
    forecaster_cpus: float = Field(
        default=0, ge=0, le=64, description="Logical CPUs that Ray sets aside for the forecaster."
    )
    drain_s: float = Field(
        default=20, gt=0, le=3600, description="How long a replica that is to stop may go on with its requests."
    )
    sessions: int = Field(
        default=DEFAULT_SESSIONS, ge=64, le=5000, description="Sessions of each symbol that are kept to forecast from."
    )
    score_days: int = Field(
        default=DEFAULT_SCORE_DAYS,
        ge=30,
        le=400,
        description="Days of forecasts that are read back at the start and scored; Kafka keeps 400.",
    )
    coalesce_ms: int = Field(
        default=15, ge=0, le=5000, description="How long quotes are gathered for one inference after the first came."
    )
    max_body_bytes: int = Field(default=DEFAULT_MAX_BODY, ge=1024, le=2**30, description="Largest request body.")
    max_history: int = Field(
        default=DEFAULT_MAX_HISTORY, ge=64, le=MOST_SESSIONS, description="Most sessions of a history that is sent."
    )
    max_in_progress: int = Field(
        default=DEFAULT_MAX_IN_PROGRESS,
        ge=1,
        le=10_000,
        description="Most requests in progress in a replica, known symbols aside.",
    )
    rate_limit: str = Field(
        default="", description="Most requests of a key, user or else address, to each replica, such as 600/minute."
    )
    proxies: int = Field(
        default=0, ge=0, le=10, description="Proxies before Ray Serve's own that add to X-Forwarded-For; 0 ignores it."
    )
    origins: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="Origins of other sites whose pages may call (CORS), comma separated; none by default."
    )
    fetch: bool = Field(
        default=False,
        description="Have the quotes of every symbol fetched that is asked for and that there are none of; by default "
        "only where the request says fetch=true.",
    )
    companies: dict[str, Symbol] = Field(
        default=DEFAULT_COMPANIES,
        description='Tickers by company for /predict_b3, as JSON: {"Petrobras": "PETR4"}. Default: the ten largest.',
    )
    cache: Path | None = Field(
        default=None,
        description="Folder of the last good model, for restarts while MLflow is down; a temporary one by default.",
    )
    object_store_mb: int = Field(
        default=100, ge=80, description="Shared memory of the Ray that this command starts, in MB."
    )
    kafka: KafkaSettings = Field(default_factory=KafkaSettings)
    mlflow: MlflowSettings = Field(default_factory=MlflowSettings)
    drift: DriftSettings = Field(default_factory=DriftSettings)
    auth: AuthSettings = Field(default_factory=AuthSettings)
    log: LogSettings = Field(default_factory=LogSettings)
    metrics: MetricsSettings = Field(default_factory=MetricsSettings)

    @field_validator("rate_limit")
    @classmethod
    def _rate(cls, value: str) -> str:
        return check_rate(value) if value else value

    @field_validator("origins", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("origins")
    @classmethod
    def _are_origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for origin in value:
            parts = urlsplit(origin)
            if origin not in ("*", f"{parts.scheme}://{parts.netloc}"):
                raise ValueError(f"{origin!r} is no origin such as https://example.com")
        return value

    @model_validator(mode="after")
    def _replicas_in_order(self) -> Self:
        if self.min_replicas > self.max_replicas:
            msg = f"min_replicas: {self.min_replicas} is more than max_replicas {self.max_replicas}"
            raise ValueError(msg)
        return self
