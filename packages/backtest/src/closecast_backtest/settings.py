"""Settings of a backtest."""

import os
from datetime import date
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, field_validator, model_validator
from pydantic_settings import NoDecode

from closecast.horizons import HORIZONS
from closecast.settings import service_config
from closecast_backtest.command import FolderSettings, split
from closecast_backtest.peers import PEERS, missing_packages


class BacktestSettings(FolderSettings):
    """Forecast the past as if it lay ahead: train on what came before --start, forecast every --step sessions after it.

    The trainer's own code trains, and its gate decides who speaks: the model, the one before it, or the base. One row a
    symbol, origin and horizon goes to --out; the measures are printed, beside those of the --peers.

    closecast backtest --data quotes/ --start 2024-01-02 --out forecasts.parquet
    closecast backtest --data quotes/ --start 2024-01-02 --out forecasts.parquet --refit 60 --peers all --per-symbol

    Every flag is also read from the environment: --start from CLOSECAST_BACKTEST_START.

    Exit status: 0 done; 1 it could not be done; 2 wrong usage; 130 stopped by Ctrl-C.
    """

    model_config = service_config("BACKTEST", "closecast backtest")

    start: date = Field(description="First session to forecast from, such as 2024-01-02; training sees only earlier.")
    out: Path = Field(description="File for the rows, FILE.parquet; one that is there is replaced once all is done.")
    step: int = Field(default=5, ge=1, description="Sessions from one origin to the next.")
    horizon: int = Field(default=HORIZONS, ge=1, le=HORIZONS, description="Sessions ahead.")
    refit: int | None = Field(
        default=None, ge=1, description="Train anew every so many sessions, a multiple of --step. Default: never."
    )
    peers: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description=f"Peers to measure beside it, comma separated: {', '.join(PEERS)}; or all."
    )
    per_symbol: bool = Field(default=False, description="Print the measures of each symbol, too.")

    @field_validator("peers", mode="before")
    @classmethod
    def _split_peers(cls, value: object) -> object:
        return split(value)

    @field_validator("out")
    @classmethod
    def _can_be_written(cls, file: Path) -> Path:
        if file.suffix != ".parquet":
            raise ValueError(f"{file} is no .parquet file")
        if not file.parent.is_dir():
            raise ValueError(f"{file.parent} is no folder")
        if file.is_dir():
            raise ValueError(f"{file} is a folder")
        if not os.access(file.parent, os.W_OK):
            raise ValueError(f"{file.parent} cannot be written to")
        return file

    @field_validator("peers")
    @classmethod
    def _known(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        names = tuple(PEERS) if names == ("all",) else tuple(dict.fromkeys(names))
        if unknown := [name for name in names if name not in PEERS]:
            raise ValueError(f"no such peer: {', '.join(unknown)}; there are {', '.join(PEERS)}, or all")
        if missing := missing_packages(names):
            raise ValueError(
                f"{', '.join(missing)} is not installed; the extra of the package brings it: closecast-backtest[peers]"
            )
        return names

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        if self.refit is not None and self.refit % self.step:
            raise ValueError(f"refit: {self.refit} is no multiple of step {self.step}")
        return self
