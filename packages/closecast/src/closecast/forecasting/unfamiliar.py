"""Histories that no network has seen the like of, and that the base therefore speaks for."""

import math
from collections.abc import Mapping
from typing import Final

import numpy as np

from closecast.forecasting.panel import Panel

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
    return {
        **_gaps(panel.tail(sequence_length)),
        **_still(panel.tail(LONGEST_STILL + 1)),
        **_leaps(panel),
        **_short(panel, minimum_history),
    }


def _short(panel: Panel, minimum: int) -> dict[int, str]:
    return {
        int(row): f"the history has {panel.lengths[row]} sessions, the model needs {minimum}"
        for row in np.flatnonzero(panel.lengths < minimum)
    }


def _leaps(panel: Panel) -> dict[int, str]:
    moves = np.nan_to_num(panel.log_return)
    rows = np.flatnonzero(np.abs(moves).max(axis=1) > math.log(LARGEST_MOVE))
    columns = np.abs(moves[rows]).argmax(axis=1)
    return {
        int(
            row
        ): f"the close of {panel.sessions[row, column]} is {math.exp(moves[row, column]):.3g} times the one before"
        for row, column in zip(rows, columns, strict=True)
    }


def _still(panel: Panel) -> dict[int, str]:
    moved = (np.nan_to_num(panel.log_return) != 0).any(axis=1)
    return {int(row): f"the close has not moved in {LONGEST_STILL} sessions" for row in np.flatnonzero(~moved)}


def _gaps(panel: Panel) -> dict[int, str]:
    apart = np.diff(panel.sessions, axis=1)
    days = np.where(np.isnat(apart), 0, apart.astype(np.int64))
    rows = np.flatnonzero(days.max(axis=1, initial=0) > LONGEST_GAP)
    columns = days[rows].argmax(axis=1) if len(rows) else rows
    return {
        int(row): f"there is no session between {panel.sessions[row, at]} and {panel.sessions[row, at + 1]}"
        for row, at in zip(rows, columns, strict=True)
    }
