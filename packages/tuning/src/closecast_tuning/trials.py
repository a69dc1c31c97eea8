"""A finished trial, as reports and records know it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal, Self

from optuna.trial import FrozenTrial, TrialState

from closecast_trainer.config import TrainingConfig
from closecast_tuning.space import configured

LOSSES: Final = "losses"
"""User attribute of Optuna's trial: relative loss by fold, the oldest first."""
SECONDS: Final = "seconds"
"""User attribute of Optuna's trial: time of its trainings."""
ERROR: Final = "error"
"""User attribute of Optuna's trial that failed: why. One that was interrupted has none."""

State = Literal["complete", "pruned", "failed"]


@dataclass(frozen=True, slots=True)
class Finished:
    """A trial that is done.

    Attributes:
        number: Its number in the study, from 0.
        state: Whether it saw all folds, was pruned, or failed.
        parameters: What was searched.
        config: How it trained.
        losses: Pinball loss over the base's by fold, the oldest first; of the folds that it saw.
        error: Why it failed; empty if it did not.
        seconds: Time of its trainings.
        began: When it began.
        ended: When it ended.
    """

    number: int
    state: State
    parameters: Mapping[str, Any]
    config: TrainingConfig
    losses: tuple[float, ...]
    error: str
    seconds: float
    began: datetime
    ended: datetime

    @property
    def loss(self) -> float:
        """Mean over the folds that it saw; NaN if it saw none."""
        return sum(self.losses) / len(self.losses) if self.losses else float("nan")

    @classmethod
    def of(cls, trial: FrozenTrial, config: TrainingConfig) -> Self:
        """Read Optuna's record of a finished trial.

        Args:
            trial: Optuna's.
            config: How to train with the searched values at their defaults.
        """
        began, ended = trial.datetime_start, trial.datetime_complete
        if began is None or ended is None:
            raise ValueError(f"trial {trial.number} is not finished")
        states: dict[TrialState, State] = {TrialState.COMPLETE: "complete", TrialState.PRUNED: "pruned"}
        return cls(
            number=trial.number,
            state=states.get(trial.state, "failed"),
            parameters=trial.params,
            config=configured(config, trial.params),
            losses=tuple(trial.user_attrs[LOSSES]),
            error=trial.user_attrs.get(ERROR, ""),
            seconds=trial.user_attrs[SECONDS],
            began=began,
            ended=ended,
        )


def is_finished(trial: FrozenTrial) -> bool:
    """Tell whether a trial is done: completed, pruned, or failed for a reason of its own."""
    return trial.state.is_finished() and not was_interrupted(trial)


def was_interrupted(trial: FrozenTrial) -> bool:
    """Tell whether a trial ended with the process that it ran in."""
    return trial.state == TrialState.FAIL and ERROR not in trial.user_attrs
