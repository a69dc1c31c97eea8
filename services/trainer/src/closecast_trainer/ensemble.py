"""The ensemble's epochs: every LSTM on its own, stopped together once what they say on average helps no more."""

import time
from collections.abc import Callable, Sequence

import numpy as np

from closecast.forecasting.inputs import Singles
from closecast_trainer.config import Epoch
from closecast_trainer.members import Lesson, Member, Spread


def train_ensemble(
    lesson: Lesson,
    spread: Spread,
    validation_loss: Callable[[Singles], float],
    *,
    to_better: float,
    on_epoch: Callable[[Epoch], None],
) -> tuple[Sequence[Epoch], Sequence[Member]]:
    """Train the LSTMs until validation has not improved for a while.

    Args:
        lesson: What they learn.
        spread: Where they are taught.
        validation_loss: Of what is added to the regression on the validation windows, ``[windows, steps, HORIZONS]``.
        to_better: Validation loss of the regression alone.
        on_epoch: Called after each epoch.

    Returns:
        The epochs, from the first, and the LSTMs as they were after the best of them; none if none bettered the
        regression.
    """
    members: Sequence[Member] = [Member(number) for number in range(lesson.config.members)]
    best: Sequence[Member] = []
    epochs: list[Epoch] = []
    if not members:
        return epochs, best
    teach = spread(lesson)
    since_best = 0
    while len(epochs) < lesson.config.epochs and since_best < lesson.config.patience:
        began = time.perf_counter()
        taught = teach(members)
        members = [one.member for one in taught]
        loss = validation_loss(np.mean([one.says for one in taught], axis=0))
        is_best = loss < to_better
        since_best = 0 if is_best else since_best + 1
        if is_best:
            to_better, best = loss, members
        training_loss = float(np.mean([one.loss for one in taught]))
        epochs.append(Epoch(len(epochs) + 1, training_loss, loss, is_best, time.perf_counter() - began))
        on_epoch(epochs[-1])
    return epochs, best
