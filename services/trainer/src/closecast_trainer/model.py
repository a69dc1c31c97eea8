"""The network: an LSTM that corrects the base, and is the base until it has learned something."""

from typing import Final

import torch
from torch import Tensor, nn

from closecast.forecasting.correction import (
    CORRECTIONS,
    LARGEST_LOG_STRETCH,
    LARGEST_SHIFT,
    LOCATION,
    LOWER,
    UPPER,
)
from closecast.horizons import HORIZONS, LEVELS, MEDIAN

_BOUNDS: Final = {LOCATION: LARGEST_SHIFT, LOWER: LARGEST_LOG_STRETCH, UPPER: LARGEST_LOG_STRETCH}


class CorrectionNetwork(nn.Module):
    """Reads sequences of features and says at every step how to bend the base for all horizons.

    Its head begins at zero, so an untrained network changes nothing.
    """

    bounds: Tensor

    def __init__(self, features: int, hidden_size: int, layers: int, dropout: float) -> None:
        """Make a network.

        Args:
            features: Features of a step.
            hidden_size: Width of each LSTM layer.
            layers: LSTM layers.
            dropout: Dropout between the layers and before the head.
        """
        super().__init__()
        self.lstm = nn.LSTM(features, hidden_size, layers, batch_first=True, dropout=dropout if layers > 1 else 0.0)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(hidden_size, HORIZONS * CORRECTIONS)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)
        self.register_buffer("bounds", torch.tensor([_BOUNDS[number] for number in range(CORRECTIONS)]))

    def forward(self, features: Tensor) -> Tensor:
        """Return the correction at every step, ``[batch, steps, HORIZONS, CORRECTIONS]``.

        Args:
            features: ``[batch, steps, features]``.
        """
        states, _ = self.lstm(features)
        return self._correction(states)

    def _correction(self, states: Tensor) -> Tensor:
        raw = self.head(self.dropout(states))
        return torch.tanh(raw.unflatten(-1, (HORIZONS, CORRECTIONS))) * self.bounds


class LastStep(nn.Module):
    """The network as it is served: the correction at each sequence's last step only."""

    def __init__(self, network: CorrectionNetwork) -> None:
        """Wrap a network; the weights stay shared."""
        super().__init__()
        self.network = network

    def forward(self, features: Tensor, last: Tensor) -> Tensor:
        """Return ``[batch, HORIZONS, CORRECTIONS]``.

        Args:
            features: ``[batch, steps, features]``.
            last: Step of each sequence's latest session, ``[batch]``; later steps are padding.
        """
        states, _ = self.network.lstm(features)
        at = last.reshape(-1, 1, 1).expand(-1, 1, states.shape[2])
        return self.network._correction(states.gather(1, at).squeeze(1))  # noqa: SLF001


class QuantileLoss(nn.Module):
    """Pinball loss of the corrected quantiles, in units of volatility, over all horizons and levels."""

    shape: Tensor
    levels: Tensor

    def __init__(self, shape: Tensor) -> None:
        """Make a loss around the base's shape, ``[HORIZONS, levels]``."""
        super().__init__()
        self.register_buffer("shape", shape.float())
        self.register_buffer("levels", torch.tensor(LEVELS))

    def forward(self, correction: Tensor, target: Tensor, known: Tensor) -> Tensor:
        """Return the mean loss where the target is known.

        Args:
            correction: ``[..., HORIZONS, CORRECTIONS]``.
            target: Scaled cumulative returns, ``[..., HORIZONS]``.
            known: Which targets count, the same shape, bool.
        """
        error = target.unsqueeze(-1) - self.quantiles(correction)
        loss = torch.maximum(self.levels * error, (self.levels - 1) * error).mean(dim=-1)
        return (loss * known).sum() / known.sum().clamp(min=1)

    def quantiles(self, correction: Tensor) -> Tensor:
        """Return ``[..., HORIZONS, levels]``; the same as `closecast.forecasting.correction.corrected`."""
        median = self.shape[:, MEDIAN : MEDIAN + 1]
        distance = self.shape - median
        location = median + correction[..., LOCATION : LOCATION + 1]
        lower = distance[:, :MEDIAN] * correction[..., LOWER : LOWER + 1].exp()
        upper = distance[:, MEDIAN + 1 :] * correction[..., UPPER : UPPER + 1].exp()
        return torch.cat([location + lower, location, location + upper], dim=-1)
