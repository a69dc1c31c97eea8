"""The walk through time: train before each fold, let the gate decide who speaks, forecast the fold's origins."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from closecast.forecasting.base import BaseForecaster, BaseParameters
from closecast.forecasting.bundle import Bundle
from closecast.forecasting.series import Floats
from closecast.horizons import LEVELS
from closecast_backtest.plan import Fold, Plan
from closecast_trainer.baselines import Origins
from closecast_trainer.candidate import make_candidate
from closecast_trainer.config import Epoch, TrainingConfig
from closecast_trainer.dataset import NotEnoughHistoryError
from closecast_trainer.evaluation import NothingToJudgeError, forecast_at, histories_at

BASE: Final = "base"
MODEL: Final = "panel"


class Observer(Protocol):
    """Is told how the walk goes on."""

    def begins(self, number: int, cut: date) -> None:
        """A fold begins, numbered from 1."""

    def stage(self, name: str) -> None:
        """A stage of the fold begins."""

    def epoch(self, epoch: Epoch) -> None:
        """An epoch of the training has ended."""

    def decided(self, outcome: str) -> None:
        """The gate has decided, and why."""


@dataclass(frozen=True, slots=True, eq=False)
class Forecasts:
    """What was forecast at each origin of a plan.

    Attributes:
        quantiles: Prices in the share count of the origin, ``[origins, horizon, levels]``.
        models: Who spoke: ``panel@CUT`` or ``base``, ``[origins]``.
    """

    quantiles: Floats
    models: NDArray[np.object_]


@dataclass(frozen=True, slots=True)
class _Champion:
    name: str
    bundle: Bundle


def walk(plan: Plan, folder: Path, config: TrainingConfig, observer: Observer, *, device: str = "auto") -> Forecasts:
    """Forecast every origin of a plan as the system in production would have done on its day.

    Before each fold the trainer makes a candidate of the sessions before its cut. If the gate promotes it, it speaks
    until a later one is promoted in its place; while none ever was, the base speaks, fitted to the same sessions. The
    base also speaks where a history is unlike what the model has seen (`closecast.forecasting.unfamiliar`).

    Args:
        plan: What to forecast.
        folder: Where the model versions are written.
        config: How to train.
        observer: Is told how it goes on.
        device: ``auto``, ``cpu`` or ``cuda``.
    """
    quantiles = np.full((len(plan.origins), plan.horizon, len(LEVELS)), np.nan)
    models = np.full(len(plan.origins), BASE, dtype=object)
    champion: _Champion | None = None
    for number, fold in enumerate(plan.folds, start=1):
        observer.begins(number, fold.cut)
        champion = _train(fold, folder, config, observer, champion=champion, device=device) or champion
        observer.stage("forecast")
        speaker = champion.bundle if champion else BaseForecaster(BaseParameters.fit(fold.past))
        quantiles[fold.at] = forecast_at(speaker, plan.panel, fold.origins)[:, : plan.horizon]
        if champion:
            models[fold.at[_familiar(champion.bundle, plan, fold.origins)]] = champion.name
    return Forecasts(quantiles, models)


def _train(
    fold: Fold, folder: Path, config: TrainingConfig, observer: Observer, *, champion: _Champion | None, device: str
) -> _Champion | None:
    """Return the new champion, or None if there is no reason for one."""
    name = f"{MODEL}@{fold.cut}"
    try:
        candidate = make_candidate(
            fold.past,
            folder / name,
            config,
            model=MODEL,
            champion=champion.bundle if champion else None,
            device=device,
            on_stage=observer.stage,
            on_epoch=observer.epoch,
        )
    except (NotEnoughHistoryError, NothingToJudgeError) as error:
        observer.decided(f"failed, {champion.name if champion else BASE} speaks: {error}")
        return None
    decision = candidate.decision
    if decision.promoted:
        observer.decided(f"promoted, {name} speaks: {decision.reason}")
        return _Champion(name, Bundle.load(candidate.folder))
    observer.decided(f"rejected, {champion.name if champion else BASE} speaks: {decision.reason}")
    return None


def _familiar(bundle: Bundle, plan: Plan, origins: Origins) -> NDArray[np.bool_]:
    """Tell at which origins the model itself speaks, not the base in its place."""
    known = []
    for histories in histories_at(plan.panel, origins, bundle.context):
        left = bundle.unfamiliar(histories)
        known += [row not in left for row in range(len(histories))]
    return np.array(known)


def shares(forecasts: Forecasts) -> Iterator[tuple[str, float]]:
    """Yield who spoke, in alphabetical order, and the share of the origins."""
    names, counts = np.unique(forecasts.models.astype(str), return_counts=True)
    for name, count in zip(names, counts, strict=True):
        yield str(name), float(count / len(forecasts.models))
