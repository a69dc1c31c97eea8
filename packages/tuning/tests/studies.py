"""Studies in small: folds of walks, and pools whose judgements take no training."""

import re
from collections import deque
from collections.abc import Callable
from pathlib import Path

import optuna
from services.trainer.tests.panels import make_panel

from closecast_trainer.config import TrainingConfig
from closecast_tuning.folds import Fold, make_folds
from closecast_tuning.objective import Judgement
from closecast_tuning.search import search
from closecast_tuning.study import open_study
from closecast_tuning.trials import Finished

CONFIG = TrainingConfig(epochs=1)
FOLDS = make_folds(make_panel(symbols=1, sessions=800), 3)

Judge = Callable[[int, TrainingConfig], Judgement]


def by_dropout(fold: int, config: TrainingConfig) -> Judgement:
    """Judge as if a dropout of 0.3 were best, and the later a fold the more it mattered."""
    return Judgement(loss=0.95 + fold * abs(config.dropout - 0.3), seconds=0.5)


class AnsweringPool:
    """A pool that knows the judgement of every configuration.

    Args:
        judge: Gives it, by fold from 0.
        slots: How many at a time; the latest handed in comes back first.
    """

    def __init__(self, judge: Judge = by_dropout, slots: int = 1) -> None:
        self.slots = slots
        self.asked: list[tuple[int, int]] = []
        self._judge = judge
        self._waiting: deque[tuple[int, int, TrainingConfig]] = deque()

    def submit(self, trial: int, fold: int, config: TrainingConfig) -> None:
        self._waiting.append((trial, fold, config))
        assert len(self._waiting) <= self.slots

    def result(self) -> tuple[int, Judgement]:
        trial, fold, config = self._waiting.pop()
        self.asked.append((trial, fold))
        return trial, self._judge(fold, config)


def searched(
    folder: Path, trials: int, pool: AnsweringPool | None = None, *, folds: tuple[Fold, ...] = FOLDS
) -> tuple[Finished, ...]:
    """Search until so many trials are finished, and return them."""
    with open_study(folder, "small", folds, CONFIG) as study:
        search(study, pool or AnsweringPool(), trials=trials, folds=len(folds))
        return study.finished()


def values(trials: tuple[Finished, ...]) -> list[tuple[object, ...]]:
    """Return what does not depend on numbers and times."""
    return [(trial.state, trial.parameters, trial.losses) for trial in trials]


def states_of(folder: Path) -> list[str]:
    """Return the states that Optuna keeps of a study's trials."""
    study = optuna.load_study(study_name="small", storage=f"sqlite:///{folder / 'studies.db'}")
    return [trial.state.name for trial in study.trials]


def options(quotes: Path, out: Path, *more: str) -> list[str]:
    """Return the options of the command for quick trials; later ones win."""
    return ["--data", str(quotes), "--out", str(out), "--epochs", "1", "--folds", "1", "--device", "cpu", *more]


def table_of(printed: str) -> list[list[str]]:
    """Return state and losses of each trial."""
    return [line.split()[1:-1] for line in printed.splitlines() if re.match(r"\d+ ", line)]
