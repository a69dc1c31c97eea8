"""Settings of the local runner."""

from pathlib import Path
from typing import Annotated

from pydantic import Field, field_validator
from pydantic_settings import CliPositionalArg, NoDecode

from closecast.horizons import HORIZONS
from closecast.settings import ServiceSettings, service_config
from closecast.symbols import Symbol

Port = Annotated[int, Field(ge=1, le=65535)]


class StopSettings(ServiceSettings):
    """Stop the demo that runs in this folder, and all that it started."""

    model_config = service_config("LOCAL", "closecast stop")

    state_dir: Path = Field(default=Path(".closecast"), description="Folder that the demo keeps its state in.")


class SampleRequestSettings(ServiceSettings):
    """Write a ready request to the predictor from real quotes, and print how to send it.

    SYMBOL.json and SYMBOL.csv hold the same sessions; the lines that are printed send the one or the other.

    closecast sample-request AAPL
    closecast sample-request PETR4 --csv quotes/ --sessions 120 --horizon 5
    """

    model_config = service_config("LOCAL", "closecast sample-request")

    symbol: CliPositionalArg[Symbol] = Field(description="Symbol; B3's tickers with or without .SA.")
    csv: Path | None = Field(
        default=None, description="Folder of your own SYMBOL.csv files; by default the sample that comes along."
    )
    sessions: int = Field(default=250, ge=30, le=5000, description="Latest sessions that are sent.")
    horizon: int = Field(default=HORIZONS, ge=1, le=HORIZONS, description="Sessions ahead.")
    output: Path = Field(default=Path(), description="Folder that the files are written to.")
    port: Port = Field(default=8000, description="Port of the predictor on this machine.")


class DemoSettings(ServiceSettings):
    """Run the whole system on this machine: broker, MLflow, ingestor, trainer and predictor, until Ctrl-C.

    Real daily quotes go through Kafka, a model is trained, judged and served; then the forecasts are shown. Nothing is
    fetched from a network. A second start goes on where the first stopped.

    closecast demo
    closecast demo --once
    closecast demo --csv quotes/ --symbols PETR4,VALE3

    Every flag is also read from the environment: --mlflow-port from CLOSECAST_LOCAL_MLFLOW_PORT.
    """

    model_config = service_config("LOCAL", "closecast demo")

    once: bool = Field(default=False, description="Show the forecasts, stop everything and exit.")
    csv: Path | None = Field(
        default=None,
        description="Folder of your own SYMBOL.csv files, as Yahoo writes them ('closecast-ingestor download').",
    )
    symbols: Annotated[tuple[Symbol, ...], NoDecode] = Field(
        default=(), description="Only these symbols, comma separated; all by default."
    )
    epochs: int = Field(default=40, ge=1, le=500, description="Most passes of a training over the history.")
    state_dir: Path = Field(default=Path(".closecast"), description="Folder for all state; remove it to start afresh.")
    port: Port = Field(default=8000, description="Port of the predictor: forecasts and their documentation.")
    broker_port: Port = Field(default=9092, description="Port of the embedded broker, Kafka's protocol.")
    mlflow_port: Port = Field(default=5000, description="Port of MLflow.")
    ingestor_metrics_port: Port = Field(default=9201, description="Port of the ingestor's metrics.")
    trainer_metrics_port: Port = Field(default=9202, description="Port of the trainer's metrics.")
    predictor_metrics_port: Port = Field(default=9203, description="Port of the predictor's metrics.")
    start_timeout_s: float = Field(default=300.0, gt=0, description="How long a part may take until it is ready.")
    stall_timeout_s: float = Field(
        default=300.0,
        gt=0,
        description="How long quotes, training or serving may stand still before the demo gives up.",
    )

    @field_validator("symbols", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return value.replace(",", " ").split() if isinstance(value, str) else value

    @field_validator("csv")
    @classmethod
    def _has_files(cls, folder: Path | None) -> Path | None:
        if folder is not None and not any(folder.glob("*.csv")):
            msg = f"{folder} holds no SYMBOL.csv files"
            raise ValueError(msg)
        return folder

    def ports(self) -> dict[str, int]:
        """Return every port that the demo listens on, by the name of its setting."""
        return {name: value for name, value in self.model_dump().items() if name.endswith("port")}
