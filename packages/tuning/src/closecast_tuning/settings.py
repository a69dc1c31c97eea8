"""Settings of a hyperparameter search."""

import os
from datetime import date
from pathlib import Path

from pydantic import Field, field_validator

from closecast.mlflow_settings import MlflowSettings
from closecast.settings import service_config
from closecast_backtest.command import FolderSettings


class TuneSettings(FolderSettings):
    """Search the hyperparameters of the trainer on rolling folds of the past, and keep the best as settings for it.

    Each trial is trained and judged by the trainer's own code as of several earlier days, never on the sessions that a
    training now is judged on. The first trial has the defaults. The same command goes on with a study that was stopped,
    and more --trials continue it. Trials run on the Ray cluster of RAY_ADDRESS where that is set, else in this process;
    they are recorded on the MLflow server of --mlflow.tracking-uri where that is given, else in a file in --out.

    closecast tune --data quotes/ --out tuning/
    closecast tune --data quotes/ --out tuning/ --until 2024-01-02 --trials 100 --study before-2024

    Every flag is also read from the environment: --trials from CLOSECAST_TUNE_TRIALS.

    Exit status: 0 done; 1 it could not be done; 2 wrong usage; 130 stopped by Ctrl-C.
    """

    model_config = service_config("TUNE", "closecast tune")

    out: Path = Field(
        description="Folder for the studies, the best settings of each (STUDY.env) and, without an MLflow server, runs."
    )
    study: str = Field(
        default="closecast", pattern=r"^[a-zA-Z0-9][a-zA-Z0-9._-]{0,99}$", description="Name of the study."
    )
    trials: int = Field(default=30, ge=1, le=10_000, description="Trials of the study in all, earlier ones included.")
    folds: int = Field(default=4, ge=1, le=20, description="Earlier days to train as of.")
    until: date | None = Field(
        default=None,
        description="See only sessions before this day, such as the --start of a later backtest. Default: those before "
        "the test slice of a training on all.",
    )
    jobs: int | None = Field(
        default=None,
        ge=1,
        description="Trials at a time on a Ray cluster. Default: one for each GPU, or else for each CPU.",
    )
    mlflow: MlflowSettings = Field(default_factory=MlflowSettings)

    @property
    def tracking_uri(self) -> str | None:
        """The MLflow server, if one was named."""
        return self.mlflow.tracking_uri if "tracking_uri" in self.mlflow.model_fields_set else None

    @field_validator("out")
    @classmethod
    def _can_be_written(cls, folder: Path) -> Path:
        if folder.exists() and not folder.is_dir():
            raise ValueError(f"{folder} is no folder")
        existing = next(path for path in (folder, *folder.absolute().parents) if path.exists())
        if not os.access(existing, os.W_OK):
            raise ValueError(f"{existing} cannot be written to")
        return folder
