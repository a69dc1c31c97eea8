"""Peers: LSTM and NHITS of `neuralforecast`, one network for all symbols, fitted to closes."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any, Final, Literal

import numpy as np
import pandas as pd
from neuralforecast import NeuralForecast
from neuralforecast.losses.pytorch import MQLoss
from neuralforecast.models import LSTM, NHITS

from closecast.forecasting.panel import Panel
from closecast.forecasting.series import Floats
from closecast.horizons import HORIZONS, LEVELS
from closecast_backtest.peers.peer import PeerError, adjusted_closes
from closecast_trainer.baselines import MINIMUM_HISTORY, Origins

STEPS: Final = 300
INPUT: Final = 3 * HORIZONS
"""Closes that the network reads: what the LSTM takes by itself, and NHITS has to be told."""

_LOWEST: Final = 0.01
"""A price below this share of the last close is raised to it: a network of levels also forecasts prices below 0."""


class Neural:
    """A network with the library's defaults and the pinball loss of our levels.

    Args:
        kind: Which one.
        seed: Seed of all random numbers.
        device: ``auto``, ``cpu`` or ``cuda``.
        steps: Batches that it is trained on.
    """

    def __init__(self, kind: Literal["LSTM", "NHITS"], *, seed: int, device: str = "auto", steps: int = STEPS) -> None:
        self._kind = kind
        self._options: dict[str, Any] = {
            "h": HORIZONS,
            "input_size": INPUT,
            "loss": MQLoss(quantiles=list(LEVELS)),
            "max_steps": steps,
            "random_seed": seed,
            "alias": kind,
            "accelerator": {"cuda": "gpu"}.get(device, device),
            "devices": 1,
            "logger": False,
            "enable_checkpointing": False,
            "enable_progress_bar": False,
            "enable_model_summary": False,
        }

    def forecast(self, panel: Panel, cut: date, origins: Origins) -> Floats:
        """Return price quantiles, sorted where the network's cross; see `closecast_backtest.peers.peer.Peer`."""
        closes = adjusted_closes(panel, cut)
        past = _series_before(panel, cut, closes)
        if past.empty:
            raise PeerError(f"{self._kind}: no symbol has {INPUT + HORIZONS} closes before {cut}")
        with _interruptible():
            library = NeuralForecast([{"LSTM": LSTM, "NHITS": NHITS}[self._kind](**self._options)], freq=1)
            library.fit(past)
            answer = library.predict(_series_up_to(origins, closes))
        levels = [name for name in answer.columns if name.startswith(self._kind)]
        forecast = answer[levels].to_numpy(np.float64).reshape(len(origins), HORIZONS, len(LEVELS))
        relative = np.sort(forecast, axis=2) / closes[origins.rows, origins.columns][:, None, None]
        prices: Floats = origins.last_close[:, None, None] * np.maximum(relative, _LOWEST)
        return prices


def _series_before(panel: Panel, cut: date, closes: Floats) -> pd.DataFrame:
    """Return the closes before the cut as a long table, without symbols that are too short for one window."""
    known = panel.sessions < np.datetime64(cut)
    known &= known.sum(axis=1, keepdims=True) >= INPUT + HORIZONS
    row, column = np.nonzero(known)
    return pd.DataFrame({"unique_id": row, "ds": column, "y": closes[row, column]})


def _series_up_to(origins: Origins, closes: Floats) -> pd.DataFrame:
    """Return one series an origin, of as many closes as every origin has behind it."""
    back = np.arange(-MINIMUM_HISTORY + 1, 1)
    values = closes[origins.rows[:, None], origins.columns[:, None] + back]
    return pd.DataFrame(
        {
            "unique_id": np.repeat(np.arange(len(origins)), MINIMUM_HISTORY),
            "ds": np.tile(np.arange(MINIMUM_HISTORY), len(origins)),
            "y": values.ravel(),
        }
    )


@contextmanager
def _interruptible() -> Iterator[None]:
    """Let Ctrl-C be what it is elsewhere: Lightning ends the process in its place, with a status of its own."""
    try:
        yield
    except SystemExit as end:
        if isinstance(end.__context__, KeyboardInterrupt):
            raise KeyboardInterrupt from None
        raise
