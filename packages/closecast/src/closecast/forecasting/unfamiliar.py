"""Histories that no network has seen the like of, and that the base therefore speaks for."""

import math
from collections.abc import Mapping
from typing import Final

import numpy as np

from closecast.forecasting.panel import Panel
from closecast.forecasting.series import Floats, Integers, Sessions

LONGEST_GAP: Final = 30
"""Days between two sessions that may pass as holidays."""
LARGEST_MOVE: Final = 5.0
"""Factor between two closes, either way, that may be a price's own; beyond it lie typing errors and missed splits."""
LONGEST_STILL: Final = 20
"""Sessions in a row that a close may stay the same, as in a stock that hardly trades."""


def unfamiliar(panel: Panel, *, minimum_history: int, sequence_length: int) -> Mapping[int, str]:
    """Return the rows that a network had better not speak for, and why.

    Args:
        panel: Histories as long as a forecast can see.
        minimum_history: Sessions that it takes.
        sequence_length: Latest sessions that a gap between is remembered for.
    """
    moves = np.where(np.isnan(panel.log_return), 0.0, panel.log_return)
    return {
        **_gaps(panel.sessions[:, -sequence_length:]),
        **_still(moves[:, -LONGEST_STILL:]),
        **_leaps(moves),
        **_short(panel.lengths, minimum_history),
    }


def _short(lengths: Integers, minimum: int) -> dict[int, str]:
    return {
        int(row): f"the history has {lengths[row]} sessions, the model needs {minimum}"
        for row in np.flatnonzero(lengths < minimum)
    }


def _leaps(moves: Floats) -> dict[int, str]:
    sizes = np.abs(moves)
    rows = np.flatnonzero(sizes.max(axis=1) > math.log(LARGEST_MOVE))
    reasons = {}
    for row, at in zip(rows, sizes[rows].argmax(axis=1), strict=True):
        factor = np.format_float_positional(math.exp(moves[row, at]), precision=3, fractional=False, trim="-")
        reasons[int(row)] = f"the close {moves.shape[1] - 1 - at} sessions ago is {factor} times the one before"
    return reasons


def _still(moves: Floats) -> dict[int, str]:
    rows = np.flatnonzero(~moves.any(axis=1))
    return {int(row): f"the close has not moved in {LONGEST_STILL} sessions" for row in rows}


def _gaps(sessions: Sessions) -> dict[int, str]:
    apart = np.diff(sessions, axis=1) > np.timedelta64(LONGEST_GAP, "D")
    rows = np.flatnonzero(apart.any(axis=1))
    return {
        int(row): f"there is no session between {sessions[row, at]} and {sessions[row, at + 1]}"
        for row, at in zip(rows, apart[rows].argmax(axis=1), strict=True)
    }
