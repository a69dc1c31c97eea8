"""Training of the panel model: as a correction of the base, stopped in time, calibrated on what it has not seen."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from closecast.forecasting.features import FEATURES
from closecast.forecasting.inputs import Singles
from closecast.forecasting.panel import Panel
from closecast.forecasting.series import Floats
from closecast.forecasting.spec import Slices
from closecast_trainer.augmentation import hide_all_but_closes
from closecast_trainer.config import Epoch, TrainingConfig
from closecast_trainer.conformal import as_factors, calibrate
from closecast_trainer.dataset import Fitted, Sequences, make_sequences, slice_sessions
from closecast_trainer.ensemble import train_ensemble
from closecast_trainer.hardware import resolve_device
from closecast_trainer.members import Lesson, Member, Spread, spread_here
from closecast_trainer.model import CorrectionNetwork, QuantileLoss, bounded, in_batches
from closecast_trainer.regression import fit_regression


@dataclass(frozen=True, slots=True, eq=False)
class TrainingResult:
    """A trained and calibrated network, and what it was fitted with.

    Attributes:
        network: The weights of the best epoch, on the CPU.
        fitted: Base and scaler.
        slices: What each part saw.
        calibration: Factor of each quantile's distance from the median, ``[HORIZONS, levels]``.
        epochs: Every epoch, the untrained one first.
        best_epoch: The epoch whose weights were kept.
        config: The configuration.
        seconds: Wall time.
    """

    network: CorrectionNetwork
    fitted: Fitted
    slices: Slices
    calibration: Floats
    epochs: tuple[Epoch, ...]
    best_epoch: int
    config: TrainingConfig
    seconds: float


def train(
    panel: Panel,
    config: TrainingConfig,
    *,
    on_epoch: Callable[[Epoch], None] = lambda _: None,
    device: str = "auto",
    spread: Spread | None = None,
) -> TrainingResult:
    """Train the network on a panel.

    The same panel, configuration and device give the same weights, wherever the LSTMs are taught.

    Args:
        panel: The histories of the universe.
        config: How to train.
        on_epoch: Called after each epoch, from this thread.
        device: ``auto`` (a GPU if there is one), ``cpu`` or ``cuda``.
        spread: Where to teach the LSTMs; in this process by default.

    Raises:
        NotEnoughHistoryError: If the panel is too short.
    """
    began = time.perf_counter()
    torch.set_num_threads(config.threads)
    slices = slice_sessions(panel)
    fitted = Fitted.to(panel, slices.training, config.sequence_length)
    training = make_sequences(panel, fitted, slices.training, stride=config.stride, each_once=False)
    validation = make_sequences(panel, fitted, slices.validation, stride=config.stride, each_once=True)
    calibrating = make_sequences(panel, fitted, slices.calibration, stride=config.stride, each_once=True)
    run = _Run(config, fitted, resolve_device(device), spread or spread_here(device))
    epochs = run.fit(training, validation, on_epoch)
    base_shape = np.array(fitted.base.shape)
    shape = calibrate(run.quantiles(calibrating), run.shape, calibrating, training.sessions + validation.sessions)
    return TrainingResult(
        network=run.network.cpu().eval(),
        fitted=fitted,
        slices=slices,
        calibration=as_factors(shape, base_shape),
        epochs=tuple(epochs),
        best_epoch=max(one.epoch for one in epochs if one.is_best),
        config=config,
        seconds=time.perf_counter() - began,
    )


class _Run:
    """One training under way."""

    def __init__(self, config: TrainingConfig, fitted: Fitted, device: torch.device, spread: Spread) -> None:
        self._config = config
        self._device = device
        self._spread = spread
        self._random = torch.Generator().manual_seed(config.seed)
        self.network = self._network(())
        self._base_shape = self.shape = np.array(fitted.base.shape)
        self._loss = self._loss_around(self.shape)

    def fit(self, training: Sequences, validation: Sequences, on_epoch: Callable[[Epoch], None]) -> Sequence[Epoch]:
        """Fit the regression, train LSTMs on top, and keep those of the best epoch.

        LSTMs that never bettered the regression are left out. The regression is then fitted again around what is left,
        to the validation slice as well: nobody has to say when it is to stop.
        """
        began = time.perf_counter()
        each_once = training.latest(self._config.stride)
        self._fit_regression(each_once, np.zeros_like(each_once.target))
        loss = self._loss_beside(validation)
        alone = loss(np.zeros_like(validation.target))
        first = Epoch(0, float("nan"), alone, is_best=True, seconds=time.perf_counter() - began)
        on_epoch(first)
        linear = self.network.linear.weight.cpu().numpy()
        lesson = Lesson(self._config, linear, self.shape, training, validation.features)
        later, members = train_ensemble(lesson, self._spread, loss, to_better=alone, on_epoch=on_epoch)
        self.network = self._network(members)
        whole = [self._each_step(self.network.recurrent, one) for one in (training, validation)]
        beside = np.concatenate([one[:, -self._config.stride :].cpu().numpy() for one in whole])
        self._fit_regression(each_once.and_then(validation.latest(self._config.stride)), beside)
        return [first, *later]

    def quantiles(self, sequences: Sequences) -> Floats:
        """Return scaled quantiles at every step, ``[windows, steps, HORIZONS, levels]``."""
        corrections = self._each_step(self.network, sequences)
        with torch.no_grad():
            return self._loss.quantiles(corrections).cpu().numpy().astype(np.float64)

    def _network(self, members: Sequence[Member]) -> CorrectionNetwork:
        """Return a network of trained LSTMs, its regression yet to be fitted."""
        config = self._config
        network = CorrectionNetwork(len(FEATURES), config.hidden_size, config.layers, config.dropout, len(members))
        for lstm, member in zip(network.members, members, strict=True):
            lstm.load_state_dict(member.weights())
        return network.to(self._device).eval()

    def _fit_regression(self, each_once: Sequences, beside: Singles) -> None:
        """Fit it to these steps, beside what the LSTMs say at them."""
        features = hide_all_but_closes(torch.from_numpy(each_once.features), self._random)
        regression = fit_regression(
            replace(each_once, features=features.numpy()), beside, self._base_shape, self._config.ridge, self._device
        )
        self.network.linear.weight.copy_(torch.from_numpy(regression.weight))
        self.shape = regression.shape
        self._loss = self._loss_around(self.shape)

    def _loss_around(self, shape: Floats) -> QuantileLoss:
        return QuantileLoss(torch.from_numpy(shape).float()).to(self._device)

    def _loss_beside(self, sequences: Sequences) -> Callable[[Singles], float]:
        """Return what tells the loss on sequences of the regression and something beside it."""
        linear = self._each_step(self.network.linear, sequences)
        target, known = (torch.from_numpy(array).to(self._device) for array in (sequences.target, sequences.known))
        return lambda says: float(self._loss(bounded(linear + torch.from_numpy(says).to(self._device)), target, known))

    def _each_step(self, part: Callable[[Tensor], Tensor], sequences: Sequences) -> Tensor:
        """Return what the network or a part of it says, ``[windows, steps, HORIZONS]``."""
        return in_batches(part, sequences.features, self._config.batch_size, self._device)
