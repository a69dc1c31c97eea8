"""The command `closecast tune`, which the runner hands over to this process."""

import sys
from collections.abc import Sequence

from closecast.settings import load_or_exit
from closecast_backtest.command import run_command
from closecast_tuning.settings import TuneSettings


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a search and return its exit status."""
    settings = load_or_exit(TuneSettings, arguments)
    return run_command("closecast tune", lambda: _run(settings), "stopped; the same command goes on with the study")


def _run(settings: TuneSettings) -> None:
    from closecast_backtest.report import new_console
    from closecast_tuning.tune import run_tuning

    run_tuning(settings, new_console())


if __name__ == "__main__":
    sys.exit(main())
