"""Peer: the LSTM of the usual tutorial, one a symbol; see `closecast_backtest.peers.level`.

The first 80 % of the sessions train it.
"""

import time
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.lib.stride_tricks import sliding_window_view

from closecast.forecasting.series import Floats
from closecast_backtest.peers.level import EPOCHS, WINDOW, LevelModel

TRAINING_SHARE: Final = 0.8


@dataclass(frozen=True, slots=True)
class PeerResult:
    """What fitting one symbol took, and how its forecasts of the next close fare.

    Attributes:
        seconds: Wall time of the fit.
        rmae: Mean absolute error on the last 20 % of the sessions, over that of "tomorrow equals today".
    """

    seconds: float
    rmae: float


def fit(closes: Floats, *, epochs: int = EPOCHS) -> PeerResult:
    """Fit the peer to one symbol's closes, oldest first.

    Raises:
        ValueError: If there are too few, or they never move.
    """
    cut = int(TRAINING_SHARE * len(closes))
    began = time.perf_counter()
    model = LevelModel.fit(closes[:cut], epochs=epochs)
    seconds = time.perf_counter() - began
    if model is None:
        raise ValueError(f"closes: {cut} of them are too few, or never move")
    windows = sliding_window_view(closes[cut - WINDOW : -1], WINDOW)
    error = np.abs(model.forecast(windows, steps=1)[:, 0] - closes[cut:]).mean()
    naive_error = np.abs(np.diff(closes[cut - 1 :])).mean()
    return PeerResult(seconds, float(error / naive_error))


def quickest_threads(closes: Floats) -> int:
    """Return the number of torch's threads with which the peer is quickest here, and leave it set."""
    took = {}
    for threads in {1, torch.get_num_threads()}:
        torch.set_num_threads(threads)
        fit(closes[:400], epochs=1)
        took[threads] = fit(closes[:400], epochs=2).seconds
    best = min(took, key=lambda threads: took[threads])
    torch.set_num_threads(best)
    return best
