"""Peer: the LSTM of the usual tutorial, one a symbol, fitted to closes that are scaled to [0, 1].

Two layers of 50 units, windows of 60 closes that predict the next one, 50 epochs in batches of 64, Adam and squared
error, the first 80 % of the sessions for training.
"""

import time
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

WINDOW: Final = 60
UNITS: Final = 50
LAYERS: Final = 2
EPOCHS: Final = 50
BATCH: Final = 64
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


def fit(closes: NDArray[np.float64], *, epochs: int = EPOCHS, seed: int = 0) -> PeerResult:
    """Fit the peer to one symbol's closes, oldest first."""
    torch.manual_seed(seed)
    began = time.perf_counter()
    cut = int(TRAINING_SHARE * len(closes))
    low, high = closes[:cut].min(), closes[:cut].max()
    scaled = torch.tensor((closes - low) / (high - low), dtype=torch.float32)
    windows, targets = scaled.unfold(0, WINDOW, 1)[:-1].unsqueeze(-1), scaled[WINDOW:]
    training = cut - WINDOW
    network = LevelNetwork()
    optimizer = torch.optim.Adam(network.parameters())
    for _ in range(epochs):
        order = torch.randperm(training)
        for start in range(0, training, BATCH):
            batch = order[start : start + BATCH]
            optimizer.zero_grad()
            loss: Tensor = nn.functional.mse_loss(network(windows[batch]), targets[batch])
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
    seconds = time.perf_counter() - began
    with torch.no_grad():
        predicted = network(windows[training:]).numpy() * (high - low) + low
    error = np.abs(predicted - closes[cut:]).mean()
    naive_error = np.abs(np.diff(closes[cut - 1 :])).mean()
    return PeerResult(seconds, float(error / naive_error))


def quickest_threads(closes: NDArray[np.float64]) -> int:
    """Return the number of torch's threads with which the peer is quickest here, and leave it set."""
    took = {}
    for threads in {1, torch.get_num_threads()}:
        torch.set_num_threads(threads)
        fit(closes[:400], epochs=1)
        took[threads] = fit(closes[:400], epochs=2).seconds
    best = min(took, key=lambda threads: took[threads])
    torch.set_num_threads(best)
    return best
