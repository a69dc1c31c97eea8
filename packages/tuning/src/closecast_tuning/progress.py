"""Tells on standard error how a search goes on: a line a finished trial, a bar for the training under way."""

from collections.abc import Iterator
from contextlib import contextmanager

from closecast.telemetry.progress import progress_bars
from closecast_backtest.progress import Teller
from closecast_trainer.config import Epoch


class SearchTeller(Teller):
    """Is told of the search, and tells people."""

    def training(self, trial: int, fold: int) -> None:
        """A trial's training on a fold, counted from 0, begins."""
        self._show(f"trial {trial}, fold {fold + 1} of {self._folds}", self._epochs)

    def epoch(self, epoch: Epoch) -> None:
        """An epoch of the training has ended; where there is no terminal, the lines of trials are enough."""
        if epoch.epoch:
            self._advance()


@contextmanager
def telling() -> Iterator[SearchTeller]:
    """Tell for the length of a block."""
    with progress_bars() as bars:
        yield SearchTeller(bars)
