"""The folds that a trial is judged on: the trainer's own trainings, as they would have been at earlier days."""

from dataclasses import dataclass
from datetime import date, timedelta

from closecast.forecasting.panel import Panel
from closecast.forecasting.series import InvalidSeriesError
from closecast.forecasting.spec import Slices
from closecast_trainer.dataset import NotEnoughHistoryError, slice_sessions


class FoldsError(ValueError):
    """The quotes do not suffice for the folds; the message names the option."""


@dataclass(frozen=True, slots=True, eq=False)
class Fold:
    """A training at an earlier day.

    Attributes:
        panel: All that was known then.
        slices: What it trains, stops and calibrates on, and the block it is judged on (`Slices.test`).
    """

    panel: Panel
    slices: Slices


def make_folds(panel: Panel, count: int, until: date | None = None) -> tuple[Fold, ...]:
    """Return rolling folds with expanding windows, the oldest first.

    The latest fold ends where the sessions that may be seen do: before `until`, or before the test slice of a training
    on the whole panel, which no fold ever sees. Each earlier fold ends before the block that the next one is judged on,
    with the trainer's purge between, so that no session is judged twice.

    Args:
        panel: The histories.
        count: Folds, at least 1.
        until: Only sessions before this day are seen.

    Raises:
        FoldsError: If there are too few sessions.
    """
    folds: list[Fold] = []
    try:
        seen = _before(panel, until) if until else panel.between(end=slice_sessions(panel).calibration.end)
        while len(folds) < count:
            slices = slice_sessions(seen)
            folds.insert(0, Fold(seen, slices))
            seen = seen.between(end=slices.calibration.end)
    except NotEnoughHistoryError as error:
        raise FoldsError(f"{_lacking(folds, count, until)}: {error}") from error
    return tuple(folds)


def _before(panel: Panel, until: date) -> Panel:
    try:
        return panel.between(end=until - timedelta(days=1))
    except InvalidSeriesError as error:
        raise FoldsError(f"until: no symbol has a session before {until}") from error


def _lacking(folds: list[Fold], count: int, until: date | None) -> str:
    if folds:
        return f"folds: {count} do not fit, at most {len(folds)}; before the block of the oldest one"
    return f"until: before {until}" if until else "data: before the test slice"
