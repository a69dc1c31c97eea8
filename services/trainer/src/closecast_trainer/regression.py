"""The linear part of the network, and the shape around it: fitted at once, before any LSTM."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from torch import Tensor

from closecast.forecasting.base import ascending
from closecast.forecasting.inputs import Singles
from closecast.forecasting.series import Floats
from closecast.horizons import HORIZONS, LEVELS, MEDIAN
from closecast_trainer.dataset import Sequences
from closecast_trainer.model import QuantileLoss, bounded

_ITERATIONS: Final = 40


@dataclass(frozen=True, slots=True, eq=False)
class Regression:
    """What was fitted.

    Attributes:
        weight: Of each feature for the logarithm of the stretch, ``[HORIZONS, features]``.
        shape: Quantiles of what is left once returns are scaled by base and stretch, ``[HORIZONS, levels]``, ascending.
    """

    weight: Floats
    shape: Floats


def fit_regression(
    sequences: Sequences, beside: Singles, shape: Floats, ridge: float, device: torch.device
) -> Regression:
    """Fit the regression by the pinball loss of all horizons and levels, with L-BFGS.

    Args:
        sequences: Steps to fit to, each session at most once.
        beside: What is added to the regression at each step, ``[windows, steps, HORIZONS]``.
        shape: Of the base, ``[HORIZONS, levels]``; where the fit begins, and its median stays.
        ridge: Weight of the squared coefficients, over the number of sessions that it is fitted to.
        device: Where to compute.
    """
    counted = sequences.known.any(axis=2)
    if not counted.any():
        return Regression(np.zeros((HORIZONS, sequences.features.shape[2])), shape)
    features, target, added = (
        torch.from_numpy(array[counted]).to(device).double() for array in (sequences.features, sequences.target, beside)
    )
    known = torch.from_numpy(sequences.known[counted]).to(device)
    base = torch.from_numpy(shape).to(device)
    weight = torch.zeros(HORIZONS, features.shape[1], dtype=torch.double, device=device, requires_grad=True)
    widening = torch.zeros(HORIZONS, len(LEVELS), dtype=torch.double, device=device, requires_grad=True)
    optimizer = torch.optim.LBFGS([weight, widening], max_iter=_ITERATIONS, line_search_fn="strong_wolfe")

    def objective() -> float:
        optimizer.zero_grad()
        pinball = QuantileLoss(_widened(base, widening))
        loss: Tensor = pinball(bounded(features @ weight.T + added), target, known)
        loss = loss + ridge / sequences.sessions * (weight**2).sum()
        loss.backward()  # type: ignore[no-untyped-call]
        return loss.item()

    optimizer.step(objective)  # type: ignore[no-untyped-call]
    fitted_shape = _widened(base, widening).detach().cpu().numpy()
    return Regression(weight.detach().cpu().numpy(), ascending(fitted_shape))


def _widened(shape: Tensor, widening: Tensor) -> Tensor:
    median = shape[:, MEDIAN : MEDIAN + 1]
    return median + (shape - median) * widening.exp()
