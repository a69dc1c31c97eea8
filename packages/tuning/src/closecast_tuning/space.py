"""What is searched: hyperparameters of a training, and between which values."""

from collections.abc import Mapping
from typing import Any, Final

from optuna.distributions import BaseDistribution, FloatDistribution, IntDistribution

from closecast_trainer.config import TrainingConfig

SPACE: Final[Mapping[str, BaseDistribution]] = {
    "ridge": FloatDistribution(0.1, 50.0, log=True),
    "members": IntDistribution(0, 8),
    "hidden_size": IntDistribution(4, 64, log=True),
    "layers": IntDistribution(1, 3),
    "dropout": FloatDistribution(0.0, 0.5),
    "learning_rate": FloatDistribution(1e-4, 1e-2, log=True),
    "weight_decay": FloatDistribution(1e-4, 1e-1, log=True),
    "batch_size": IntDistribution(16, 128, log=True),
    "sequence_length": IntDistribution(32, 256, step=32),
}
"""Fields of `TrainingConfig`; its defaults lie within, for they are the first trial of every study."""


def starting_point(config: TrainingConfig) -> dict[str, Any]:
    """Return the searched values of a configuration."""
    return {name: getattr(config, name) for name in SPACE}


def configured(config: TrainingConfig, parameters: Mapping[str, Any]) -> TrainingConfig:
    """Return a configuration with these values in it, checked as any other."""
    return TrainingConfig.model_validate({**config.model_dump(), **parameters})
