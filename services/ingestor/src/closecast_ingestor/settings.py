"""Settings of the ingestor."""

from datetime import date
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, HttpUrl, field_validator, model_validator
from pydantic_settings import CliPositionalArg, NoDecode, SettingsConfigDict

from closecast.kafka.settings import KafkaSettings
from closecast.settings import ServiceSettings, SettingsGroup, service_config
from closecast.symbols import Symbol
from closecast.telemetry.logs import LogSettings
from closecast.telemetry.metrics import MetricsSettings

Command = Literal["once", "backfill", "run", "serve", "replay", "download"]


class YahooSettings(SettingsGroup):
    """How Yahoo is asked."""

    model_config = SettingsConfigDict(env_prefix="CLOSECAST_INGESTOR_YAHOO_", extra="forbid")

    url: HttpUrl | None = Field(default=None, description="Address of a server that speaks Yahoo's API, in its place.")
    batch_size: int = Field(default=50, ge=1, le=1000, description="Symbols asked for in one go.")
    threads: int = Field(default=4, ge=1, le=32, description="Symbols asked for at the same time.")
    timeout_s: float = Field(default=20.0, gt=0, description="How long one request may take.")
    retries: int = Field(default=6, ge=0, le=20, description="Further tries for a symbol after a 429 or an error.")
    backoff_s: float = Field(default=2.0, gt=0, description="Wait before the first retry; it doubles with each one.")
    most_backoff_s: float = Field(default=120.0, gt=0, description="Longest wait between two tries.")


class IngestorSettings(ServiceSettings):
    """Publish settled daily quotes to Kafka, each once; a corrected price goes out as the next revision.

    once      publish what is new of the last days, then exit (for a cron job)
    backfill  publish all sessions from --start to --end, then exit
    run       catch up, then publish after each exchange's close, until stopped; serves requests as well
    serve     publish what the predictor asks for, symbol by symbol, until stopped
    replay    publish old sessions one after the other at --speed, as if they happened now
    download  write the quotes to CSV files, which --source csv reads; needs no Kafka

    Every command can be started again at any time: what Kafka holds is not published twice.
    Every flag is also read from the environment: --settle-delay-min from CLOSECAST_INGESTOR_SETTLE_DELAY_MIN,
    --kafka.bootstrap-servers from CLOSECAST_KAFKA_BOOTSTRAP_SERVERS.

    closecast-ingestor replay --source sample --speed 50
    closecast-ingestor backfill --symbols PETR4,VALE3,AAPL --start 2015-01-01
    closecast-ingestor run --symbols-file universe.txt
    closecast-ingestor serve --source csv --csv-folder quotes/
    closecast-ingestor backfill --source csv --csv-folder quotes/ --start 2015-01-01

    Exit status: 0 all published; 1 some symbols failed, or Kafka did (the log names them); 2 wrong usage;
    3 a newer instance has taken over.
    """

    model_config = service_config("INGESTOR", "closecast-ingestor")

    command: CliPositionalArg[Command] = Field(description="once, backfill, run, serve, replay or download.")
    source: Literal["yahoo", "csv", "sample"] = Field(
        default="yahoo",
        description="yahoo: Yahoo Finance; csv: files in --csv-folder; sample: AAPL, FB, GOOG, IBM, MSFT 2000-2013.",
    )
    symbols: Annotated[tuple[Symbol, ...], NoDecode] = Field(
        default=(), description="Symbols, comma separated; B3 tickers with or without .SA. Default: all of the source."
    )
    symbols_file: Path | None = Field(default=None, description="File with one symbol a line, beside or for --symbols.")
    csv_folder: Path | None = Field(default=None, description="Folder of SYMBOL.csv files, for --source csv.")
    start: date | None = Field(default=None, description="First session, such as 2015-01-02.")
    end: date | None = Field(default=None, description="Last session, itself included. Default: the last settled one.")
    lookback_days: int = Field(
        default=30,
        ge=1,
        le=36500,
        description="once, run: days to look back for gaps and corrections.",
    )
    speed: float = Field(
        default=0.0,
        ge=0,
        allow_inf_nan=False,
        description="replay: sessions a second; 0 or max: as fast as it goes.",
    )
    output: Path = Field(default=Path("quotes"), description="download: folder for the CSV files.")
    settle_delay_min: float = Field(
        default=60.0, ge=0, le=1440, description="Minutes after an exchange's close until its prices count as settled."
    )
    retry_s: float = Field(
        default=60.0,
        gt=0,
        description="run: wait before failed symbols are tried again; it doubles each time.",
    )
    backfills: bool = Field(
        default=True,
        description="run: also publish, from --start or their first session on, symbols that the predictor asks for.",
    )
    batch_size: int = Field(default=2000, ge=1, le=100_000, description="Most quotes in one Kafka transaction.")
    transactional_id: str | None = Field(
        default=None,
        pattern=r"^[a-zA-Z0-9._-]{1,100}$",
        description="Identity over restarts; a start stops any other ingestor with the same. Default: PREFIXingestor.",
    )
    yahoo: YahooSettings = Field(default_factory=YahooSettings)
    kafka: KafkaSettings = Field(default_factory=KafkaSettings)
    metrics: MetricsSettings = Field(default_factory=MetricsSettings)
    log: LogSettings = Field(default_factory=LogSettings)

    @property
    def identity(self) -> str:
        """The transactional id in use."""
        return self.transactional_id or f"{self.kafka.topic_prefix}ingestor"

    @property
    def backfill_group(self) -> str:
        """The consumer group that all ingestors read backfill requests in."""
        return f"{self.kafka.topic_prefix}ingestor-backfills"

    @field_validator("symbols", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return value.replace(",", " ").split() if isinstance(value, str) else value

    @field_validator("speed", mode="before")
    @classmethod
    def _unbounded(cls, value: object) -> object:
        return 0.0 if value == "max" else value

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        if self.start and self.end and self.start > self.end:
            raise ValueError(f"start: {self.start} lies after end {self.end}")
        if self.command == "backfill" and self.start is None:
            raise ValueError("start: backfill needs --start, the first session to publish")
        if self.source == "csv" and self.csv_folder is None:
            raise ValueError("csv_folder: --source csv needs --csv-folder, the folder of SYMBOL.csv files")
        if self.source == "yahoo" and self.command != "serve" and not self.symbols and self.symbols_file is None:
            raise ValueError("symbols: --source yahoo needs --symbols or --symbols-file")
        return self
