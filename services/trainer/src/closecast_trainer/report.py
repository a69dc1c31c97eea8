"""Pictures of a training: the losses of its epochs, its forecasts beside what came, and its calibration."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from closecast.forecasting.card import ModelCard, Results, Share
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
    axes.set_xlabel("epoch (0 is the regression alone)")
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


def plot_reliability(card: ModelCard, path: Path) -> None:
    """Draw a reliability diagram as a PNG: the share of closes at or below each quantile against its level.

    The band is where the shares over all horizons lie 19 times out of 20 if the quantiles are calibrated.
    """
    figure = Figure(figsize=(6, 6), layout="constrained")
    axes = figure.add_subplot()
    axes.plot([0, 1], [0, 1], color="black", linewidth=1, linestyle="--", label="calibrated")
    for number, results in enumerate(card.by_horizon):
        label = "each horizon" if number == 0 else None
        _plot_shares(axes, results, color="tab:blue", linewidth=0.5, alpha=0.4, label=label)
    _plot_shares(axes, card.overall, color="tab:blue", marker="o", label="all horizons")
    if card.overall.calibration is not None:
        shares = card.overall.calibration.quantiles
        _fill_band(axes, [share.nominal for share in shares], shares, color="tab:gray", label="95 % of the time, if so")
    axes.set(xlim=(0, 1), ylim=(0, 1), aspect="equal")
    axes.set_xlabel("level of the quantile")
    axes.set_ylabel("share of closes at or below it")
    axes.legend(loc="upper left")
    _save(figure, path)


def plot_calibration(card: ModelCard, path: Path) -> None:
    """Draw, as a PNG, how often closes lay within each interval by horizon, and the histogram of where they fell.

    The histogram is that of the probability integral transform, as far as the quantiles tell it: a bin between each two
    of them, and 1 is what a calibrated forecast gives all of them.
    """
    figure = Figure(figsize=(12, 4), layout="constrained")
    coverage, histogram = figure.subplots(1, 2)
    known = [(results.horizon, results.calibration) for results in card.by_horizon if results.calibration is not None]
    for at, color in enumerate(("tab:green", "tab:blue", "tab:purple") if known else ()):
        horizons = [float(horizon or 0) for horizon, _ in known]
        shares = [calibration.intervals[at] for _, calibration in known]
        coverage.axhline(shares[0].nominal, color=color, linewidth=1, linestyle="--")
        coverage.plot(
            horizons, [share.observed for share in shares], color=color, marker="o", label=_percent(shares[0])
        )
        _fill_band(coverage, horizons, shares, color=color)
    coverage.set(ylim=(0, 1), title="Coverage of the intervals")
    coverage.set_xlabel("sessions ahead")
    if known:
        coverage.legend(loc="lower left")
    if card.overall.calibration is not None:
        shares = list(card.overall.calibration.quantiles)
        edges = np.array([0.0, *(share.nominal for share in shares), 1.0])
        filled = np.diff([0.0, *(share.observed for share in shares), 1.0])
        histogram.bar(edges[:-1], filled / np.diff(edges), np.diff(edges), align="edge", edgecolor="white")
    histogram.axhline(1, color="black", linewidth=1, linestyle="--")
    histogram.set(xlim=(0, 1), title="Probability integral transform, all horizons")
    histogram.set_xlabel("where the close fell among the quantiles")
    _save(figure, path)


def _plot_shares(axes: Axes, results: Results, **style: Any) -> None:
    if results.calibration is None:
        return
    shares = results.calibration.quantiles
    axes.plot([share.nominal for share in shares], [share.observed for share in shares], **style)


def _fill_band(axes: Axes, at: Sequence[float], shares: Sequence[Share], **style: Any) -> None:
    lower, upper = zip(*(share.consistent for share in shares), strict=True)
    axes.fill_between(at, lower, upper, alpha=0.15, linewidth=0, **style)


def _percent(share: Share) -> str:
    return f"{share.nominal:.0%} interval"


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
