"""Pictures of a training: the losses of its epochs, and its forecasts beside what came."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from closecast.horizons import LOWER_80, MEDIAN, UPPER_80
from closecast_trainer.config import Epoch
from closecast_trainer.evaluation import CANDIDATE, Evaluation

_SYMBOLS: Final = 6
"""Most symbols in one picture."""

_COLUMNS: Final = 2


def plot_losses(epochs: Sequence[Epoch], path: Path) -> None:
    """Draw training and validation loss by epoch as a PNG; the epoch whose weights were kept is marked."""
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.add_subplot()
    numbers = [one.epoch for one in epochs]
    axes.plot(numbers, [one.training_loss for one in epochs], label="training")
    axes.plot(numbers, [one.validation_loss for one in epochs], label="validation")
    best = [one for one in epochs if one.is_best][-1]
    axes.plot(best.epoch, best.validation_loss, "o", label=f"kept: epoch {best.epoch}")
    axes.set_xlabel("epoch (0 is the base)")
    axes.set_ylabel("pinball loss, in units of volatility")
    axes.legend()
    _save(figure, path)


def plot_forecasts(evaluation: Evaluation, path: Path, *, horizon: int = 5) -> None:
    """Draw the closes of the test slice and what was forecast of them as a PNG, a panel for each of a few symbols.

    Args:
        evaluation: The candidate's.
        path: Where to write.
        horizon: Sessions ahead of the forecasts that are drawn.
    """
    rows = np.unique(evaluation.origins.rows)[:_SYMBOLS]
    height = -(-len(rows) // _COLUMNS)
    figure = Figure(figsize=(12, 3 * height), layout="constrained")
    figure.suptitle(f"Close and its forecast {horizon} sessions before, median and 80 % interval")
    for position, row in enumerate(rows):
        _plot_symbol(figure.add_subplot(height, _COLUMNS, position + 1), evaluation, int(row), horizon)
    _save(figure, path)


def _plot_symbol(axes: Axes, evaluation: Evaluation, row: int, horizon: int) -> None:
    origins = evaluation.origins
    own = origins.rows == row
    quantiles = evaluation.quantiles[CANDIDATE][own, horizon - 1]
    sessions = origins.sessions[own]
    axes.plot(sessions, origins.actual[own, horizon - 1], color="black", linewidth=1, label="close")
    axes.plot(sessions, quantiles[:, MEDIAN], color="tab:blue", linewidth=1, label="forecast")
    axes.fill_between(sessions, quantiles[:, LOWER_80], quantiles[:, UPPER_80], color="tab:blue", alpha=0.2)
    axes.set_title(evaluation.symbols[row])
    axes.tick_params(axis="x", rotation=30)
    axes.legend(loc="upper left")


def _save(figure: Figure, path: Path) -> None:
    figure.savefig(path, format="png")
