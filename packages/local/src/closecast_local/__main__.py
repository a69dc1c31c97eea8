"""The command ``closecast``."""

import logging
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from rich.console import Console

from closecast.kafka import BrokerUnavailableError
from closecast.settings import load_or_exit
from closecast.telemetry.logs import LogSettings, configure_logs
from closecast_local.demo import run_demo
from closecast_local.processes import ChildDiedError
from closecast_local.readiness import NotReadyError
from closecast_local.sample_request import NoSampleError, write_sample_request
from closecast_local.settings import DemoSettings, SampleRequestSettings, StopSettings
from closecast_local.stack import CannotStartError
from closecast_local.stages import TrainingFailedError
from closecast_local.state import StateFolder, StateInUseError
from closecast_local.table import WIDTH

_USAGE: Final = """\
usage: closecast COMMAND [options]

Closecast on one machine.

  demo   run the whole system: replay real quotes, train, promote, serve, show the forecasts
  stop   stop the demo that runs in this folder
  backtest
         forecast the past as if it lay ahead, and measure the forecasts beside those of peers
  tune   search the trainer's hyperparameters on rolling folds of the past
  sample-request SYMBOL
         write a ready request to the predictor from real quotes

closecast COMMAND --help tells the options.
"""
_EXIT_FAILED: Final = 1
_EXIT_USAGE: Final = 2
_FAULTS: Final = (
    BrokerUnavailableError,
    CannotStartError,
    ChildDiedError,
    NoSampleError,
    NotReadyError,
    StateInUseError,
    TimeoutError,
    TrainingFailedError,
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    given = sys.argv[1:] if arguments is None else arguments
    command, options = (given[0], given[1:]) if given else ("", ())
    if command in {"-h", "--help"}:
        sys.stdout.write(_USAGE)
        return 0
    if command not in _COMMANDS:
        sys.stderr.write(_USAGE)
        return _EXIT_USAGE
    try:
        return _COMMANDS[command](options)
    except _FAULTS as error:
        sys.stderr.write(f"closecast: {_relative(str(error))}\n")
        return _EXIT_FAILED


def _demo(options: Sequence[str]) -> int:
    settings = load_or_exit(DemoSettings, options)
    configure_logs(LogSettings(level="error"), "local")
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=WIDTH)
    with _without_logs():
        return run_demo(settings, console)


@contextmanager
def _without_logs() -> Iterator[None]:
    """Log nothing: what the runner has to say goes to the console, a Kafka client would only tell it a second time."""
    logging.disable()
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)


def _stop(options: Sequence[str]) -> int:
    settings = load_or_exit(StopSettings, options)
    owner = StateFolder(settings.state_dir).stop_owner()
    sys.stdout.write("no demo runs here\n" if owner is None else f"stopped the demo, process {owner}\n")
    return 0


def _sample_request(options: Sequence[str]) -> int:
    sys.stdout.write(write_sample_request(load_or_exit(SampleRequestSettings, options)))
    return 0


def _become(module: str) -> Callable[[Sequence[str]], int]:
    """Return what becomes a command that imports what this package may not; output, signals and status are its own."""

    def run(options: Sequence[str]) -> int:
        os.execv(sys.executable, [sys.executable, "-m", module, *options])  # noqa: S606 - as told, no shell

    return run


_COMMANDS: Final[dict[str, Callable[[Sequence[str]], int]]] = {
    "demo": _demo,
    "stop": _stop,
    "backtest": _become("closecast_backtest"),
    "tune": _become("closecast_tuning"),
    "sample-request": _sample_request,
}


def _relative(text: str) -> str:
    """Shorten the paths in a message to what lies below the working directory."""
    return text.replace(f"{Path.cwd()}/", "")


if __name__ == "__main__":
    sys.exit(main())
