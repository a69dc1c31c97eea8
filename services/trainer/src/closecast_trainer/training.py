"""Training of the panel model: as a correction of the base, stopped in time, calibrated on what it has not seen."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import torch
from torch import Tensor

from closecast.forecasting.features import FEATURES, NEED_ONLY_CLOSES
from closecast.forecasting.inputs import Singles
from closecast.forecasting.panel import Panel
from closecast.forecasting.series import Floats
from closecast.forecasting.spec import Slices
from closecast_trainer.config import Epoch, TrainingConfig
from closecast_trainer.conformal import as_factors, calibrate
from closecast_trainer.dataset import Fitted, Sequences, make_sequences, slice_sessions
from closecast_trainer.model import CorrectionNetwork, QuantileLoss
from closecast_trainer.regression import fit_regression

_CLIPPED_NORM: Final = 1.0
_CLOSES_ONLY_SHARE: Final = 0.1
"""Share of training windows that hide all but closes, so that a history of closes alone is no surprise later."""


class TrainingStoppedError(Exception):
    """The training was told to stop before it was done; nothing of it is kept."""


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
    should_stop: Callable[[], bool] = lambda: False,
    device: str = "auto",
) -> TrainingResult:
    """Train the network on a panel. The same panel, configuration and device give the same weights.

    Args:
        panel: The histories of the universe.
        config: How to train.
        on_epoch: Called after each epoch, from this thread.
        should_stop: Asked before each batch.
        device: ``auto`` (a GPU if there is one), ``cpu`` or ``cuda``.

    Raises:
        NotEnoughHistoryError: If the panel is too short.
        TrainingStoppedError: If `should_stop` said so.
    """
    began = time.perf_counter()
    torch.set_num_threads(config.threads)
    slices = slice_sessions(panel)
    fitted = Fitted.to(panel, slices.training, config.sequence_length)
    training = make_sequences(panel, fitted, slices.training, stride=config.stride, each_once=False)
    validation = make_sequences(panel, fitted, slices.validation, stride=config.stride, each_once=True)
    calibrating = make_sequences(panel, fitted, slices.calibration, stride=config.stride, each_once=True)
    with torch.random.fork_rng():
        torch.manual_seed(config.seed)
        run = _Run(config, fitted, resolve_device(device), should_stop)
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


def resolve_device(device: str) -> torch.device:
    """Return the device that a setting of ``auto``, ``cpu`` or ``cuda`` means on this machine.

    Raises:
        ValueError: If ``cuda`` is asked for and there is none.
    """
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if device == "cuda" and not torch.cuda.is_available():
        raise ValueError("device: cuda was asked for, this machine has none; use auto or cpu")
    return torch.device(device)


class _Run:
    """One training under way."""

    def __init__(
        self, config: TrainingConfig, fitted: Fitted, device: torch.device, should_stop: Callable[[], bool]
    ) -> None:
        self._config = config
        self._device = device
        self._should_stop = should_stop
        self._random = torch.Generator().manual_seed(config.seed)
        network = CorrectionNetwork(len(FEATURES), config.hidden_size, config.layers, config.dropout, config.members)
        self.network = network.to(device)
        self._base_shape = self.shape = np.array(fitted.base.shape)
        self._loss = self._loss_around(self.shape)
        self._optimizer = torch.optim.AdamW(
            self.network.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay
        )
        hidden = [name not in NEED_ONLY_CLOSES for name in FEATURES]
        self._hidden = torch.tensor(hidden, device=device)

    def fit(self, training: Sequences, validation: Sequences, on_epoch: Callable[[Epoch], None]) -> Sequence[Epoch]:
        """Fit the regression, then train LSTMs until validation has not improved for a while; keep the best weights.

        LSTMs that never bettered the regression are left out. The regression is then fitted again around what is left,
        to the validation slice as well: nobody has to say when it is to stop.
        """
        began = time.perf_counter()
        steps = self._config.stride
        each_once = training.latest(steps)
        self._fit_regression(each_once, np.zeros_like(each_once.target))
        first = Epoch(0, float("nan"), self._validate(validation), is_best=True, seconds=time.perf_counter() - began)
        on_epoch(first)
        later = self._train_members(training, validation, first.validation_loss, on_epoch)
        if not any(one.is_best for one in later):
            self.network.members = torch.nn.ModuleList()
        beside = [self._each_batch(self.network.recurrent, one)[:, -steps:].cpu() for one in (training, validation)]
        self._fit_regression(each_once.and_then(validation.latest(steps)), np.concatenate(beside))
        return [first, *later]

    def _train_members(
        self, training: Sequences, validation: Sequences, best: float, on_epoch: Callable[[Epoch], None]
    ) -> list[Epoch]:
        """Train the LSTMs, and leave the weights of the best epoch, or none if there was none better than `best`."""
        tensors = self._tensors(training)
        weights = _copy(self.network)
        epochs: list[Epoch] = []
        since_best = 0
        while self.network.members and len(epochs) < self._config.epochs and since_best < self._config.patience:
            began = time.perf_counter()
            training_loss = self._pass(tensors)
            loss = self._validate(validation)
            is_best = loss < best
            since_best = 0 if is_best else since_best + 1
            if is_best:
                best, weights = loss, _copy(self.network)
            epochs.append(Epoch(len(epochs) + 1, training_loss, loss, is_best, time.perf_counter() - began))
            on_epoch(epochs[-1])
        self.network.load_state_dict(weights)
        return epochs

    def quantiles(self, sequences: Sequences) -> Floats:
        """Return scaled quantiles at every step, ``[windows, steps, HORIZONS, levels]``."""
        corrections = self._each_batch(self.network, sequences)
        with torch.no_grad():
            return self._loss.quantiles(corrections).cpu().numpy().astype(np.float64)

    def _fit_regression(self, each_once: Sequences, beside: Singles) -> None:
        """Fit it to these steps, beside what the LSTMs say at them."""
        features = self._augmented(torch.from_numpy(each_once.features).to(self._device))
        regression = fit_regression(
            replace(each_once, features=features.cpu().numpy()),
            beside,
            self._base_shape,
            self._config.ridge,
            self._device,
        )
        with torch.no_grad():
            self.network.linear.weight.copy_(torch.from_numpy(regression.weight))
        self.shape = regression.shape
        self._loss = self._loss_around(self.shape)

    def _loss_around(self, shape: Floats) -> QuantileLoss:
        return QuantileLoss(torch.from_numpy(shape).float()).to(self._device)

    def _pass(self, tensors: tuple[Tensor, Tensor, Tensor]) -> float:
        """Train on every window once, in random order, and return the mean loss."""
        features, target, known = tensors
        self.network.train()
        losses = []
        order = torch.randperm(len(features), generator=self._random).to(self._device)
        for start in range(0, len(order), self._config.batch_size):
            self._stop_if_told()
            at = order[start : start + self._config.batch_size]
            self._optimizer.zero_grad()
            loss = self._loss(self.network.by_member(self._augmented(features[at])), target[at], known[at])
            loss.backward()
            torch.nn.utils.clip_grad_norm_(self.network.members.parameters(), _CLIPPED_NORM)
            self._optimizer.step()
            losses.append(loss.item())
        return float(np.mean(losses))

    def _augmented(self, features: Tensor) -> Tensor:
        """Hide all but the closes of some windows."""
        chosen = torch.rand(len(features), generator=self._random) < _CLOSES_ONLY_SHARE
        return features.masked_fill(chosen.to(self._device)[:, None, None] & self._hidden, 0.0)

    def _validate(self, sequences: Sequences) -> float:
        corrections = self._each_batch(self.network, sequences)
        _, target, known = self._tensors(sequences)
        with torch.no_grad():
            return float(self._loss(corrections, target, known))

    def _each_batch(self, network: Callable[[Tensor], Tensor], sequences: Sequences) -> Tensor:
        """Return what the network or a part of it says without dropout, ``[windows, steps, HORIZONS]``."""
        self.network.eval()
        at_once = 4 * self._config.batch_size
        parts = []
        with torch.no_grad():
            for start in range(0, len(sequences), at_once):
                self._stop_if_told()
                batch = torch.from_numpy(sequences.features[start : start + at_once])
                parts.append(network(batch.to(self._device)))
        return torch.cat(parts)

    def _tensors(self, sequences: Sequences) -> tuple[Tensor, Tensor, Tensor]:
        features, target, known = (
            torch.from_numpy(array).to(self._device)
            for array in (sequences.features, sequences.target, sequences.known)
        )
        return features, target, known

    def _stop_if_told(self) -> None:
        if self._should_stop():
            raise TrainingStoppedError("the training was told to stop")


def _copy(network: CorrectionNetwork) -> dict[str, Tensor]:
    return {name: tensor.detach().clone() for name, tensor in network.state_dict().items()}
