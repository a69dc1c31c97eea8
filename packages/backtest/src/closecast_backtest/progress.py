"""Tells on standard error how a backtest goes on: lines for what has been done, a bar for what is under way."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from typing import Final

from rich.progress import Progress, TaskID

from closecast.telemetry.progress import progress_bars
from closecast_trainer.config import Epoch

_EPOCHS_A_LINE: Final = 10
"""Where there is no terminal for a bar, every so many epochs make a line."""


class Teller:
    """Is told of the work, and tells people.

    Args:
        bars: Where to show it.
    """

    def __init__(self, bars: Progress) -> None:
        self._bars = bars
        self._task: TaskID | None = None
        self._fold = ""
        self._folds = 0
        self._epochs = 0

    def expect(self, folds: int, epochs: int) -> None:
        """Take note of how many folds there are, and of how many epochs a training has at most."""
        self._folds, self._epochs = folds, epochs

    def say(self, text: str) -> None:
        """Tell a line that stays."""
        self._bars.console.print(text, markup=False, highlight=False, soft_wrap=True)

    def begins(self, number: int, cut: date) -> None:
        """A fold begins, numbered from 1."""
        self._fold = f"fold {number} of {self._folds}"
        self.say(f"{self._fold}: training on what lies before {cut}")

    def stage(self, name: str) -> None:
        """A stage of the fold begins."""
        self._show(f"{self._fold}: {name}", self._epochs if name == "train" else None)

    def epoch(self, epoch: Epoch) -> None:
        """An epoch of the training has ended."""
        if epoch.epoch:
            self._advance()
        if self._bars.disable and epoch.epoch % _EPOCHS_A_LINE == 0:
            self.say(f"{self._fold}: epoch {epoch.epoch}, validation loss {epoch.validation_loss:.5f}")

    def decided(self, outcome: str) -> None:
        """The gate has decided, and why."""
        self.say(f"{self._fold}: {outcome}")

    def over(self, title: str, names: Sequence[str]) -> Iterator[str]:
        """Yield names one by one, with a bar that says how many are done."""
        self._show(title, len(names))
        for name in names:
            yield name
            self._advance()

    def count(self, title: str, total: int) -> Callable[[object], None]:
        """Return what is to be called after each of so many steps."""
        self._show(title, total)
        return lambda _: self._advance()

    def _show(self, title: str, total: int | None) -> None:
        """Show a bar in place of the one before; without a total it only says that work goes on."""
        if self._task is not None:
            self._bars.remove_task(self._task)
        self._task = self._bars.add_task(title, total=total)

    def _advance(self) -> None:
        if self._task is not None:
            self._bars.advance(self._task)


@contextmanager
def telling() -> Iterator[Teller]:
    """Tell for the length of a block."""
    with progress_bars() as bars:
        yield Teller(bars)
