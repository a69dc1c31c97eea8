"""What the commands over a folder of quotes have in common: options, and how they end."""

import logging
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Annotated, Final, Literal

from pydantic import Field, field_validator
from pydantic_settings import NoDecode

from closecast.settings import ServiceSettings
from closecast.symbols import Symbol
from closecast.telemetry.logs import LogSettings, configure_logs
from closecast_trainer.config import TrainingConfig

_EXIT_FAILED: Final = 1
_EXIT_INTERRUPTED: Final = 128 + signal.SIGINT
_DEFAULTS: Final = TrainingConfig()


class FolderSettings(ServiceSettings):
    """Which quotes to read, and how to train on them."""

    data: Path = Field(description="Folder of SYMBOL.csv files, as Yahoo or 'closecast-ingestor download' write them.")
    symbols: Annotated[tuple[Symbol, ...], NoDecode] = Field(
        default=(), description="Only these symbols, comma separated; B3 tickers with or without .SA. Default: all."
    )
    epochs: int = Field(default=_DEFAULTS.epochs, ge=1, le=500, description="Most passes of a training.")
    members: int = Field(
        default=_DEFAULTS.members, ge=0, le=32, description="LSTMs that are averaged; 0 for the regression alone."
    )
    seed: int = Field(default=_DEFAULTS.seed, ge=0, lt=2**31, description="Seed of all random numbers.")
    device: Literal["auto", "cpu", "cuda"] = Field(
        default="auto", description="Where to train: auto takes a GPU if there is one."
    )

    @property
    def training(self) -> TrainingConfig:
        """How the trainer trains."""
        return TrainingConfig(epochs=self.epochs, members=self.members, seed=self.seed)

    @field_validator("symbols", mode="before")
    @classmethod
    def _split_symbols(cls, value: object) -> object:
        return split(value)

    @field_validator("data")
    @classmethod
    def _has_files(cls, folder: Path) -> Path:
        if not folder.is_dir():
            raise ValueError(f"{folder} is no folder")
        if not any(folder.glob("*.csv")):
            raise ValueError(f"{folder} holds no SYMBOL.csv files")
        return folder


def split(value: object) -> object:
    """Return the words of a text that are separated by commas or spaces; whatever is no text, as it is."""
    return value.replace(",", " ").split() if isinstance(value, str) else value


class CommandError(Exception):
    """The command cannot do what it was asked for; the message is for who asked."""


def require_device(device: str) -> None:
    """Check that this machine can train where it is asked to.

    Raises:
        CommandError: If it cannot.
    """
    from closecast_trainer.hardware import resolve_device

    try:
        resolve_device(device)
    except ValueError as error:
        raise CommandError(str(error)) from error


def run_command(name: str, run: Callable[[], None], stopped: str = "stopped") -> int:
    """Run the work of a command and return its exit status: 0, 1 with one line of why, or 130 after Ctrl-C.

    Args:
        name: As it is typed; its last word names it in logs.
        run: The work; raises `CommandError` if it cannot be done.
        stopped: What to say after Ctrl-C.
    """
    configure_logs(LogSettings(level="error"), name.rsplit(maxsplit=1)[-1])
    signal.signal(signal.SIGTERM, _end)
    logging.disable()  # what there is to say goes to the console
    try:
        run()
    except CommandError as error:
        sys.stderr.write(f"{name}: {error}\n")
        return _EXIT_FAILED
    except KeyboardInterrupt:
        sys.stderr.write(f"{name}: {stopped}\n")
        return _EXIT_INTERRUPTED
    finally:
        logging.disable(logging.NOTSET)
    return 0


def _end(number: int, _frame: FrameType | None) -> None:
    """End as the signal asks, and leave no unfinished file behind."""
    raise SystemExit(128 + number)
