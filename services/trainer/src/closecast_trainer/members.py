"""Training of the ensemble's LSTMs: each on its own, an epoch at a time, on this machine or wherever a task can run."""

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
import torch
from torch import Tensor

from closecast.forecasting.features import FEATURES
from closecast.forecasting.inputs import Singles
from closecast.forecasting.series import Floats
from closecast_trainer.augmentation import hide_all_but_closes
from closecast_trainer.config import TrainingConfig
from closecast_trainer.dataset import Sequences
from closecast_trainer.hardware import resolve_device
from closecast_trainer.model import CorrectionNetwork, QuantileLoss, in_batches

_CLIPPED_NORM: Final = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class Lesson:
    """What every LSTM of a training learns from, and what it learns to correct.

    Attributes:
        config: How to train.
        linear: Weights of the regression, ``[HORIZONS, features]``.
        shape: Quantiles around it, ``[HORIZONS, levels]``.
        training: Windows to learn from.
        validation: Windows to speak of after each epoch, ``[windows, steps, features]``.
    """

    config: TrainingConfig
    linear: Singles
    shape: Floats
    training: Sequences
    validation: Singles


@dataclass(frozen=True, slots=True, eq=False)
class Member:
    """One LSTM between two epochs; all that the next one needs, so that any process can go on with it.

    Attributes:
        number: Which of the ensemble, from 0.
        epoch: Epochs that it has behind it.
        checkpoint: Weights and state of the optimizer, as `torch.save` writes them; empty before the first epoch.
    """

    number: int
    epoch: int = 0
    checkpoint: bytes = b""

    def weights(self) -> dict[str, Tensor]:
        """Return the weights, on the CPU; there are some after the first epoch."""
        weights: dict[str, Tensor] = _read(self.checkpoint, torch.device("cpu"))["weights"]
        return weights


@dataclass(frozen=True, slots=True, eq=False)
class Taught:
    """What an epoch came to.

    Attributes:
        member: The LSTM after it.
        loss: Mean over the batches.
        says: What it adds to the regression on the validation windows, ``[windows, steps, HORIZONS]``.
    """

    member: Member
    loss: float
    says: Singles


Teach: TypeAlias = Callable[[Sequence[Member]], Sequence[Taught]]
"""Takes members through their next epoch, each by `teach`."""
Spread: TypeAlias = Callable[[Lesson], Teach]
"""Where the LSTMs of a training are taught: is given the lesson once, before the first epoch."""


def spread_here(device: str) -> Spread:
    """Teach in this process, one after the other, on ``auto``, ``cpu`` or ``cuda``."""
    return lambda lesson: lambda members: [teach(member, lesson, device) for member in members]


def teach(member: Member, lesson: Lesson, device: str) -> Taught:
    """Take an LSTM through its next epoch: every window once, in random order.

    All chance comes from the seed, the member's number and the epoch, so that whoever teaches it comes to the same.

    Args:
        member: The LSTM.
        lesson: What to learn.
        device: ``auto``, ``cpu`` or ``cuda``.
    """
    config = lesson.config
    torch.set_num_threads(config.threads)
    on = resolve_device(device)
    (seed,) = np.random.SeedSequence([config.seed, member.number, member.epoch]).generate_state(1)
    with torch.random.fork_rng():
        torch.manual_seed(int(seed))
        network = CorrectionNetwork(len(FEATURES), config.hidden_size, config.layers, config.dropout, members=1)
        network.linear.weight.copy_(torch.from_numpy(lesson.linear))
        network.to(on)
        optimizer = torch.optim.AdamW(
            network.members.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay
        )
        if member.checkpoint:
            read = _read(member.checkpoint, on)
            network.members[0].load_state_dict(read["weights"])
            optimizer.load_state_dict(read["optimizer"])
        loss = _pass(network, optimizer, lesson, torch.Generator().manual_seed(int(seed)), on)
    says = in_batches(network.eval().recurrent, lesson.validation, config.batch_size, on)
    after = Member(member.number, member.epoch + 1, _written(network, optimizer))
    return Taught(after, loss, says.cpu().numpy())


def _pass(
    network: CorrectionNetwork,
    optimizer: torch.optim.Optimizer,
    lesson: Lesson,
    random: torch.Generator,
    device: torch.device,
) -> float:
    """Train on every window once and return the mean loss."""
    features, target, known = (
        torch.from_numpy(array) for array in (lesson.training.features, lesson.training.target, lesson.training.known)
    )
    loss_of = QuantileLoss(torch.from_numpy(lesson.shape).float()).to(device)
    network.train()
    losses = []
    for at in torch.split(torch.randperm(len(features), generator=random), lesson.config.batch_size):
        optimizer.zero_grad()
        corrections = network(hide_all_but_closes(features[at], random).to(device))
        loss = loss_of(corrections, target[at].to(device), known[at].to(device))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.members.parameters(), _CLIPPED_NORM)
        optimizer.step()
        losses.append(loss.item())
    return float(np.mean(losses))


def _written(network: CorrectionNetwork, optimizer: torch.optim.Optimizer) -> bytes:
    written = io.BytesIO()
    torch.save({"weights": network.members[0].state_dict(), "optimizer": optimizer.state_dict()}, written)
    return written.getvalue()


def _read(checkpoint: bytes, device: torch.device) -> dict[str, Any]:
    read: dict[str, Any] = torch.load(io.BytesIO(checkpoint), map_location=device, weights_only=True)
    return read
