"""Where trials run: in this process, one after the other."""

from collections import deque
from collections.abc import Callable, Sequence
from typing import Protocol

from closecast_trainer.config import Epoch, TrainingConfig
from closecast_tuning.folds import Fold
from closecast_tuning.objective import Judgement, judge


class Pool(Protocol):
    """Judges configurations on folds, some at a time."""

    @property
    def slots(self) -> int:
        """How many it judges at a time."""

    def submit(self, trial: int, fold: int, config: TrainingConfig) -> None:
        """Ask for the judgement of a trial's configuration on a fold, counted from 0."""

    def result(self) -> tuple[int, Judgement]:
        """Wait for the next judgement, and return the trial that it is of, too."""


class LocalPool:
    """Judges in this process.

    Args:
        folds: All folds.
        device: Where to train.
        on_begin: Told trial and fold as each begins.
        on_epoch: Told of each epoch.
    """

    slots = 1

    def __init__(
        self,
        folds: Sequence[Fold],
        device: str,
        *,
        on_begin: Callable[[int, int], None] = lambda _trial, _fold: None,
        on_epoch: Callable[[Epoch], None] = lambda _: None,
    ) -> None:
        self._folds = folds
        self._device = device
        self._on_begin = on_begin
        self._on_epoch = on_epoch
        self._waiting: deque[tuple[int, int, TrainingConfig]] = deque()

    def submit(self, trial: int, fold: int, config: TrainingConfig) -> None:
        """Put it in line."""
        self._waiting.append((trial, fold, config))

    def result(self) -> tuple[int, Judgement]:
        """Judge the next in line."""
        trial, fold, config = self._waiting.popleft()
        self._on_begin(trial, fold)
        return trial, judge(self._folds[fold].panel, config, self._device, self._on_epoch)
