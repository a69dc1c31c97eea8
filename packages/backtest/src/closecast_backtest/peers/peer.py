"""What a peer is given, and what it gives."""

from datetime import date
from typing import Protocol

import numpy as np

from closecast.forecasting.base import total_returns
from closecast.forecasting.panel import Panel
from closecast.forecasting.series import Floats
from closecast_trainer.baselines import Origins


class PeerError(RuntimeError):
    """A peer cannot forecast at all; the message names it and says why."""


class Peer(Protocol):
    """Forecasts the same origins as Closecast."""

    def forecast(self, panel: Panel, cut: date, origins: Origins) -> Floats:
        """Return price quantiles, ``[origins, HORIZONS, levels]``; all but the median NaN from one without intervals.

        It is fitted to the sessions before `cut`, and forecasts from the sessions up to each origin.

        Raises:
            PeerError: If there is nothing that it could be fitted to.
        """


def adjusted_closes(panel: Panel, cut: date) -> Floats:
    """Return closes without the steps of splits and dividends, in the share count of the last session before `cut`.

    A symbol without a session before `cut` is told in the share count of its first.

    Returns:
        ``[symbols, width]``, NaN before a history begins. What comes after a session changes nothing up to it, except
        that a later cut changes the unit.
    """
    total = total_returns(panel)
    rows = np.arange(len(panel))
    unit = np.maximum((panel.sessions < np.datetime64(cut)).sum(axis=1), 1) + panel.width - panel.lengths - 1
    adjusted: Floats = panel.close[rows, unit][:, None] * np.exp(total - total[rows, unit][:, None])
    return adjusted
