"""The command `closecast backtest`, which the runner hands over to this process."""

import logging
import signal
import sys
from collections.abc import Sequence
from types import FrameType
from typing import Final

from closecast.settings import load_or_exit
from closecast.telemetry.logs import LogSettings, configure_logs
from closecast_backtest.settings import BacktestSettings
from closecast_ingestor.sources.base import SourceError

_EXIT_FAILED: Final = 1
_EXIT_INTERRUPTED: Final = 128 + signal.SIGINT


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a backtest and return its exit status."""
    settings = load_or_exit(BacktestSettings, arguments)
    configure_logs(LogSettings(level="error"), "backtest")
    signal.signal(signal.SIGTERM, _end)
    logging.disable()  # what there is to say goes to the console
    try:
        return _run(settings)
    except KeyboardInterrupt:
        sys.stderr.write("closecast backtest: stopped\n")
        return _EXIT_INTERRUPTED
    finally:
        logging.disable(logging.NOTSET)


def _run(settings: BacktestSettings) -> int:
    from closecast_backtest.backtest import run_backtest
    from closecast_backtest.peers.peer import PeerError
    from closecast_backtest.plan import PlanError
    from closecast_backtest.report import new_console
    from closecast_trainer.training import resolve_device

    try:
        resolve_device(settings.device)
    except ValueError as error:
        return _failed(error)
    try:
        run_backtest(settings, new_console())
    except (SourceError, PlanError, PeerError, OSError) as error:
        return _failed(error)
    return 0


def _failed(error: Exception) -> int:
    sys.stderr.write(f"closecast backtest: {error}\n")
    return _EXIT_FAILED


def _end(number: int, _frame: FrameType | None) -> None:
    """End as the signal asks, and leave no unfinished file behind."""
    raise SystemExit(128 + number)


if __name__ == "__main__":
    sys.exit(main())
