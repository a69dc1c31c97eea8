"""When a backtest forecasts, and what each of its trainings may see."""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from closecast.forecasting.panel import Panel
from closecast.forecasting.series import InvalidSeriesError
from closecast.forecasting.spec import Span
from closecast_trainer.baselines import MINIMUM_HISTORY, Origins, rolling_origins
from closecast_trainer.dataset import NotEnoughHistoryError, slice_sessions


class PlanError(ValueError):
    """There is nothing to train on or to forecast from; the message names the option."""


@dataclass(frozen=True, slots=True, eq=False)
class Fold:
    """A stretch of origins with one training before it.

    Attributes:
        cut: Training sees the sessions before this day only.
        past: Those sessions.
        at: Positions of the fold's origins among all of the plan.
        origins: The origins themselves.
    """

    cut: date
    past: Panel
    at: NDArray[np.intp]
    origins: Origins


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """All origins of a backtest, by symbol and then by session, and its folds in order of time.

    Attributes:
        panel: The histories.
        horizon: Sessions ahead.
        origins: `Origins.actual` is ``[origins, horizon]``.
        folds: They share out the origins.
    """

    panel: Panel
    horizon: int
    origins: Origins
    folds: tuple[Fold, ...]


def make_plan(panel: Panel, start: date, *, step: int, horizon: int, refit: int | None = None) -> Plan:
    """Choose every `step`-th session from `start` on as origin of each symbol that traded on it.

    A symbol needs `MINIMUM_HISTORY` sessions up to an origin and `horizon` after it.

    Args:
        panel: The histories.
        start: First day to forecast from.
        step: Sessions, of all symbols together, from one origin to the next.
        horizon: Sessions ahead.
        refit: Sessions from one training to the next, a multiple of `step`; None for a single one.

    Raises:
        PlanError: If there is too little before `start`, or no origin after it.
    """
    last = panel.last_session.max().astype(date)
    if start > last:
        raise PlanError(f"start: {start} lies after the last session, {last}")
    origins = rolling_origins(panel, Span(start=start, end=last), step, ahead=horizon)
    if not len(origins):
        raise PlanError(
            f"start: from {start} to {last} no symbol has a session with {MINIMUM_HISTORY} sessions up to it and "
            f"{horizon} after it"
        )
    folds = tuple(_folds(panel, origins, start, None if refit is None else refit // step))
    _require_training(folds[0])
    return Plan(panel, horizon, origins, folds)


def before(panel: Panel, cut: date) -> Panel:
    """Return the sessions before a day, all that a training may see; a symbol without any is left out.

    Raises:
        PlanError: If there is none.
    """
    try:
        return panel.between(end=cut - timedelta(days=1))
    except InvalidSeriesError as error:
        raise PlanError(f"start: no symbol has a session before {cut}") from error


def _folds(panel: Panel, origins: Origins, start: date, length: int | None) -> Iterator[Fold]:
    """Yield folds of so many sessions of origins each; the first one's training ends where the backtest starts."""
    sessions = np.unique(origins.sessions)
    for first in range(0, len(sessions), length or len(sessions)):
        chosen = sessions[first : first + (length or len(sessions))]
        at = np.flatnonzero(np.isin(origins.sessions, chosen))
        cut = chosen[0].astype(date) if first else start
        yield Fold(cut, before(panel, cut), at, _only(origins, at))


def _only(origins: Origins, at: NDArray[np.intp]) -> Origins:
    return Origins(**{field.name: getattr(origins, field.name)[at] for field in fields(origins)})


def _require_training(fold: Fold) -> None:
    try:
        slice_sessions(fold.past)
    except NotEnoughHistoryError as error:
        raise PlanError(f"start: before {fold.cut} {error}") from error
