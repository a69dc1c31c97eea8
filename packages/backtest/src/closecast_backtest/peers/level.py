"""Peer: the LSTM of the usual tutorial, one a symbol, fitted to closes that are scaled to [0, 1].

Two layers of 50 units, windows of 60 closes that predict the next one, 50 epochs in batches of 64, Adam and squared
error. What lies further ahead is forecast from its own forecasts.
"""

from dataclasses import dataclass
from datetime import date
from typing import Final, Self

import numpy as np
import torch
from numpy.lib.stride_tricks import sliding_window_view
from torch import Tensor, nn

from closecast.forecasting.panel import Panel
from closecast.forecasting.series import Floats
from closecast.horizons import HORIZONS, LEVELS, MEDIAN
from closecast_backtest.peers.peer import adjusted_closes
from closecast_trainer.baselines import MINIMUM_HISTORY, Origins

WINDOW: Final = MINIMUM_HISTORY
UNITS: Final = 50
LAYERS: Final = 2
EPOCHS: Final = 50
BATCH: Final = 64


class LevelNetwork(nn.Module):
    """From a window of scaled closes to the next one."""

    def __init__(self) -> None:
        """Make the network of the tutorial."""
        super().__init__()
        self.lstm = nn.LSTM(1, UNITS, LAYERS, batch_first=True)
        self.head = nn.Linear(UNITS, 1)

    def forward(self, windows: Tensor) -> Tensor:
        """Return the next scaled close, ``[windows]``; windows are ``[windows, WINDOW, 1]``."""
        states, _ = self.lstm(windows)
        predicted: Tensor = self.head(states[:, -1]).squeeze(-1)
        return predicted


@dataclass(frozen=True, slots=True, eq=False)
class LevelModel:
    """A network and the range that its closes were scaled by."""

    network: LevelNetwork
    low: float
    high: float

    @classmethod
    def fit(cls, closes: Floats, *, epochs: int = EPOCHS, seed: int = 0) -> Self | None:
        """Fit to one symbol's closes, oldest first; None if there is no window with a next close, or no range."""
        low, high = float(closes.min(initial=np.inf)), float(closes.max(initial=-np.inf))
        if len(closes) <= WINDOW or low == high:
            return None
        scaled = torch.tensor((closes - low) / (high - low), dtype=torch.float32)
        windows, targets = scaled.unfold(0, WINDOW, 1)[:-1].unsqueeze(-1), scaled[WINDOW:]
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            network = LevelNetwork()
            optimizer = torch.optim.Adam(network.parameters())
            for _ in range(epochs):
                order = torch.randperm(len(targets))
                for start in range(0, len(order), BATCH):
                    batch = order[start : start + BATCH]
                    optimizer.zero_grad()
                    loss: Tensor = nn.functional.mse_loss(network(windows[batch]), targets[batch])
                    loss.backward()  # type: ignore[no-untyped-call]
                    optimizer.step()
        return cls(network.eval(), low, high)

    def forecast(self, windows: Floats, steps: int) -> Floats:
        """Return the closes that follow windows of closes, ``[windows, WINDOW]``, as ``[windows, steps]``."""
        scaled = torch.tensor((windows - self.low) / (self.high - self.low), dtype=torch.float32)
        with torch.no_grad():
            for _ in range(steps):
                following = self.network(scaled[:, -WINDOW:, None])
                scaled = torch.cat([scaled, following[:, None]], dim=1)
        closes: Floats = scaled[:, WINDOW:].numpy().astype(np.float64) * (self.high - self.low) + self.low
        return closes


class Level:
    """Fits one network a symbol before the cut; a symbol that it cannot be fitted to is forecast not to move.

    Args:
        seed: Seed of all random numbers.
        epochs: Passes over a symbol's closes.
    """

    def __init__(self, *, seed: int, epochs: int = EPOCHS) -> None:
        self._seed = seed
        self._epochs = epochs

    def forecast(self, panel: Panel, cut: date, origins: Origins) -> Floats:
        """Return medians of prices, and no other quantile; see `closecast_backtest.peers.peer.Peer`."""
        closes = adjusted_closes(panel, cut)
        prices = np.full((len(origins), HORIZONS, len(LEVELS)), np.nan)
        prices[:, :, MEDIAN] = origins.last_close[:, None]
        for row in np.unique(origins.rows):
            past = closes[row, panel.sessions[row] < np.datetime64(cut)]
            model = LevelModel.fit(past, epochs=self._epochs, seed=self._seed)
            if model is not None:
                mine = origins.rows == row
                windows = sliding_window_view(closes[row], WINDOW)[origins.columns[mine] - WINDOW + 1]
                ratio = model.forecast(windows, HORIZONS) / windows[:, -1:]
                prices[mine, :, MEDIAN] *= ratio
        return prices
