"""The command `closecast backtest`, which the runner hands over to this process."""

import sys
from collections.abc import Sequence

from closecast.settings import load_or_exit
from closecast_backtest.command import CommandError, require_device, run_command
from closecast_backtest.settings import BacktestSettings
from closecast_ingestor.sources.base import SourceError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a backtest and return its exit status."""
    settings = load_or_exit(BacktestSettings, arguments)
    return run_command("closecast backtest", lambda: _run(settings))


def _run(settings: BacktestSettings) -> None:
    from closecast_backtest.backtest import run_backtest
    from closecast_backtest.peers.peer import PeerError
    from closecast_backtest.plan import PlanError
    from closecast_backtest.report import new_console

    require_device(settings.device)
    try:
        run_backtest(settings, new_console())
    except (SourceError, PlanError, PeerError, OSError) as error:
        raise CommandError(str(error)) from error


if __name__ == "__main__":
    sys.exit(main())
