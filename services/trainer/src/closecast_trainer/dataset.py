"""What each part of a training sees: slices in time, and sequences with a target at every step."""

from dataclasses import dataclass, replace
from datetime import date
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from closecast.forecasting.base import BaseParameters, cumulative_returns
from closecast.forecasting.features import SETTLED, WARM_UP
from closecast.forecasting.inputs import Singles, feature_statistics, prepare
from closecast.forecasting.panel import Panel
from closecast.forecasting.series import Floats, Integers, Sessions
from closecast.forecasting.spec import Slices, Span
from closecast.horizons import HORIZONS

PURGE: Final = HORIZONS
"""Sessions between two slices, so that no target of one lies in the next."""

MINIMUM_SESSIONS: Final = 300
"""Sessions below which there is too little to train, stop, calibrate and judge on."""

_WINDOWS_AT_ONCE: Final = 256
_FURTHEST: Final = 10.0
"""Bound of a scaled target, so that one bad print does not rule the loss."""


class NotEnoughHistoryError(ValueError):
    """The panel is too short to train on; the message says how much there is and how much it takes."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """All that is fitted before the network: on the training slice alone."""

    base: BaseParameters
    feature_mean: tuple[float, ...]
    feature_scale: tuple[float, ...]
    sequence_length: int

    @property
    def context(self) -> int:
        """Sessions of a window: the sequence, and what its smoothed features need before it."""
        return WARM_UP + self.sequence_length

    @classmethod
    def to(cls, panel: Panel, training: Span, sequence_length: int) -> Self:
        """Fit the base and the feature scaler to the training slice of a panel."""
        past = panel.between(end=training.end)
        base = BaseParameters.fit(past)
        mean, scale = feature_statistics(past, base)
        return cls(base, mean, scale, sequence_length)


@dataclass(frozen=True, slots=True, eq=False)
class Sequences:
    """Windows of one symbol each, with targets.

    Attributes:
        features: ``[windows, steps, features]``.
        target: Cumulative returns in units of ``volatility * sqrt(horizon)``, ``[windows, steps, HORIZONS]``.
        known: Which targets count, the same shape.
        sessions: Different sessions with a target that counts, over all symbols.
    """

    features: Singles
    target: Singles
    known: NDArray[np.bool_]
    sessions: int

    def __len__(self) -> int:
        return len(self.features)

    def latest(self, steps: int) -> Self:
        """Return the last `steps` of each window."""
        return replace(
            self,
            features=self.features[:, -steps:],
            target=self.target[:, -steps:],
            known=self.known[:, -steps:],
        )

    def and_then(self, later: Self) -> Self:
        """Return these windows and those of a later slice, with as many steps each."""
        return replace(
            self,
            features=np.concatenate([self.features, later.features]),
            target=np.concatenate([self.target, later.target]),
            known=np.concatenate([self.known, later.known]),
            sessions=self.sessions + later.sessions,
        )


def slice_sessions(panel: Panel) -> Slices:
    """Cut a panel's sessions into training, validation, calibration and test, in that order, with purges between.

    The last 15 % are the test (at most 500 sessions), 10 % before them calibrate and 10 % before those decide when to
    stop (at most 250 each).

    Raises:
        NotEnoughHistoryError: If there are fewer than `MINIMUM_SESSIONS`.
    """
    sessions = np.unique(panel.sessions[~np.isnat(panel.sessions)])
    count = len(sessions)
    if count < MINIMUM_SESSIONS:
        raise NotEnoughHistoryError(f"the panel has {count} sessions, a training needs {MINIMUM_SESSIONS}")
    test = count - min(round(0.15 * count), 500)
    calibration = test - PURGE - min(round(0.10 * count), 250)
    validation = calibration - PURGE - min(round(0.10 * count), 250)
    return Slices(
        training=_span(sessions, 0, validation - PURGE),
        validation=_span(sessions, validation, calibration - PURGE),
        calibration=_span(sessions, calibration, test - PURGE),
        test=_span(sessions, test, count),
    )


def make_sequences(panel: Panel, fitted: Fitted, span: Span, *, stride: int, each_once: bool) -> Sequences:
    """Return windows whose latest sessions lie in a span, a target at every step of it.

    Args:
        panel: The whole panel; nothing after a step shows in its features.
        fitted: How to scale.
        span: The slice; only its sessions count, earlier ones are context.
        stride: Sessions from one window of a symbol to the next.
        each_once: Whether a session counts only in the window where it has the longest context, as in serving;
            otherwise it counts in every window that covers it.

    Raises:
        NotEnoughHistoryError: If no symbol has a session in the span.
    """
    rows, ends = _window_ends(panel, span, stride)
    if not len(rows):
        raise NotEnoughHistoryError(f"no symbol has a session from {span.start} to {span.end}")
    targets = cumulative_returns(panel)
    parts = [
        _read(panel, fitted, targets, rows[start : start + _WINDOWS_AT_ONCE], ends[start : start + _WINDOWS_AT_ONCE])
        for start in range(0, len(rows), _WINDOWS_AT_ONCE)
    ]
    features = np.concatenate([features for features, _, _ in parts])
    target = np.concatenate([target for _, target, _ in parts])
    columns = np.concatenate([columns for _, _, columns in parts])
    counted = _counts(panel, span)[rows[:, None], columns] & (columns >= 0)
    if each_once:
        counted &= columns > ends[:, None] - stride
    known = counted[:, :, None] & ~np.isnan(target)
    sessions = len(np.unique(panel.sessions[rows[:, None], columns][known.any(axis=2)]))
    return Sequences(features, np.nan_to_num(target, nan=0.0), known, sessions)


def _read(
    panel: Panel, fitted: Fitted, targets: Floats, rows: Integers, ends: Integers
) -> tuple[Singles, Singles, Integers]:
    """Return features, scaled targets and the panel's columns of these windows; -1 on padding."""
    windows = panel.windows(rows, ends, fitted.context)
    inputs = prepare(windows, fitted)
    columns = np.where(inputs.columns >= 0, inputs.columns + ends[:, None] - (windows.width - 1), -1)
    scale = inputs.volatility[:, :, None] * np.sqrt(np.arange(1, HORIZONS + 1))
    scaled = np.clip(targets[rows[:, None], columns] / scale, -_FURTHEST, _FURTHEST)
    return inputs.features, scaled.astype(np.float32), columns


def _window_ends(panel: Panel, span: Span, stride: int) -> tuple[Integers, Integers]:
    """Return row and latest column of windows that cover a span, from its last session back in strides."""
    rows, ends = [], []
    for row, inside in enumerate(_inside(panel, span)):
        columns = np.flatnonzero(inside)
        if len(columns):
            back = np.arange(columns[-1], columns[0] - 1, -stride)
            ends.append(back)
            rows.append(np.full(len(back), row))
    if not rows:
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    return np.concatenate(rows), np.concatenate(ends)


def _counts(panel: Panel, span: Span) -> NDArray[np.bool_]:
    """Tell which sessions lie in a span and have enough behind them for their features to tell something."""
    behind = np.arange(panel.width)[None, :] - (panel.width - panel.lengths)[:, None]
    counts: NDArray[np.bool_] = _inside(panel, span) & (behind >= SETTLED)
    return counts


def _inside(panel: Panel, span: Span) -> NDArray[np.bool_]:
    inside: NDArray[np.bool_] = (panel.sessions >= np.datetime64(span.start)) & (
        panel.sessions <= np.datetime64(span.end)
    )
    return inside


def _span(sessions: Sessions, start: int, end: int) -> Span:
    return Span(start=sessions[start].astype(date), end=sessions[end - 1].astype(date))
