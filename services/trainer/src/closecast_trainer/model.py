"""The network: a regression of volatility and an ensemble of LSTMs on top, zero until they have learned something."""

from collections.abc import Callable
from typing import cast

import torch
from torch import Tensor, nn

from closecast.forecasting.correction import LARGEST_LOG_STRETCH
from closecast.forecasting.inputs import Singles
from closecast.horizons import HORIZONS, LEVELS, MEDIAN


class CorrectionNetwork(nn.Module):
    """Reads sequences of features and says at every step how far to stretch the base, for all horizons.

    The linear part sees the features of the step alone: volatilities of several ages, as in Corsi's heterogeneous
    autoregression (Journal of Financial Econometrics 7, 2009). The LSTMs add what the sequence tells beyond that;
    each is trained on its own, from different weights, and what they say is averaged (deep ensembles: Lakshminarayanan,
    Pritzel and Blundell, NeurIPS 2017). All of it begins at zero, so an untrained network changes nothing.
    """

    def __init__(self, features: int, hidden_size: int, layers: int, dropout: float, members: int) -> None:
        """Make a network.

        Args:
            features: Features of a step.
            hidden_size: Width of each LSTM layer.
            layers: Layers of an LSTM.
            dropout: Dropout between the layers and before the head.
            members: LSTMs; 0 leaves the linear part alone.
        """
        super().__init__()
        self.linear = nn.Linear(features, HORIZONS, bias=False)
        nn.init.zeros_(self.linear.weight)
        self.linear.requires_grad_(requires_grad=False)  # it is fitted at once, see `fit_regression`
        self.members = nn.ModuleList(_Member(features, hidden_size, layers, dropout) for _ in range(members))

    def forward(self, features: Tensor) -> Tensor:
        """Return the correction at every step, ``[batch, steps, HORIZONS]``.

        Args:
            features: ``[batch, steps, features]``.
        """
        return bounded(self.linear(features) + self.recurrent(features))

    def recurrent(self, features: Tensor) -> Tensor:
        """Return what the LSTMs add at every step, before it is bounded, ``[batch, steps, HORIZONS]``."""
        return _mean([member(features) for member in self.members], like=self.linear(features))

    def at(self, features: Tensor, step: Tensor) -> Tensor:
        """Return the correction at one step of each sequence, ``[batch, HORIZONS]``; see `LastStep`."""
        linear = self.linear(_take(features, step))
        return bounded(linear + _mean([member.at(features, step) for member in self._each()], like=linear))

    def _each(self) -> "list[_Member]":
        return cast("list[_Member]", list(self.members))


class _Member(nn.Module):
    """One LSTM; its head begins at zero."""

    def __init__(self, features: int, hidden_size: int, layers: int, dropout: float) -> None:
        super().__init__()
        self.lstm = nn.LSTM(features, hidden_size, layers, batch_first=True, dropout=dropout if layers > 1 else 0.0)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(hidden_size, HORIZONS)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def forward(self, features: Tensor) -> Tensor:
        states, _ = self.lstm(features)
        return self._said(states)

    def at(self, features: Tensor, step: Tensor) -> Tensor:
        states, _ = self.lstm(features)
        return self._said(_take(states, step))

    def _said(self, states: Tensor) -> Tensor:
        said: Tensor = self.head(self.dropout(states))
        return said


class LastStep(nn.Module):
    """The network as it is served: the correction at each sequence's last step only."""

    def __init__(self, network: CorrectionNetwork) -> None:
        """Wrap a network; the weights stay shared."""
        super().__init__()
        self.network = network

    def forward(self, features: Tensor, last: Tensor) -> Tensor:
        """Return ``[batch, HORIZONS]``.

        Args:
            features: ``[batch, steps, features]``.
            last: Step of each sequence's latest session, ``[batch]``; later steps are padding.
        """
        return self.network.at(features, last)


class QuantileLoss(nn.Module):
    """Pinball loss of the corrected quantiles, in units of volatility, over all horizons and levels."""

    shape: Tensor
    levels: Tensor

    def __init__(self, shape: Tensor) -> None:
        """Make a loss around a shape, ``[HORIZONS, levels]``."""
        super().__init__()
        self.register_buffer("shape", shape)
        self.register_buffer("levels", torch.tensor(LEVELS, dtype=shape.dtype))

    def forward(self, correction: Tensor, target: Tensor, known: Tensor) -> Tensor:
        """Return the mean loss where the target is known.

        Args:
            correction: ``[..., HORIZONS]``.
            target: Scaled cumulative returns, the same shape.
            known: Which targets count, the same shape, bool.
        """
        error = target.unsqueeze(-1) - self.quantiles(correction)
        loss = torch.maximum(self.levels * error, (self.levels - 1) * error).mean(dim=-1)
        return (loss * known).sum() / known.expand_as(loss).sum().clamp(min=1)

    def quantiles(self, correction: Tensor) -> Tensor:
        """Return ``[..., HORIZONS, levels]``; the same as `closecast.forecasting.correction.corrected`."""
        median = self.shape[:, MEDIAN : MEDIAN + 1]
        return median + (self.shape - median) * correction.unsqueeze(-1).exp()


def in_batches(network: Callable[[Tensor], Tensor], features: Singles, batch_size: int, device: torch.device) -> Tensor:
    """Return what a network in evaluation, or a part of one, says of many windows, ``[windows, steps, HORIZONS]``.

    Args:
        network: What is asked.
        features: ``[windows, steps, features]``.
        batch_size: Windows in a batch of training; without gradients there is room for four times as many.
        device: Where the network is.
    """
    with torch.no_grad():
        return torch.cat(
            [network(batch.to(device)) for batch in torch.split(torch.from_numpy(features), 4 * batch_size)]
        )


def bounded(correction: Tensor) -> Tensor:
    """Return corrections drawn into the range that is allowed, hardly changed where they are small."""
    return LARGEST_LOG_STRETCH * torch.tanh(correction / LARGEST_LOG_STRETCH)


def _mean(corrections: list[Tensor], *, like: Tensor) -> Tensor:
    return torch.stack(corrections).mean(dim=0) if corrections else torch.zeros_like(like)


def _take(steps: Tensor, step: Tensor) -> Tensor:
    """Return one step of each sequence, ``[batch, features]``."""
    at = step.reshape(-1, 1, 1).expand(-1, 1, steps.shape[2])
    return steps.gather(1, at).squeeze(1)
