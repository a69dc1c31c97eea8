from typing import cast

import pytest
from optuna.distributions import FloatDistribution, IntDistribution
from pydantic import ValidationError

from closecast_trainer.config import TrainingConfig
from closecast_tuning.space import SPACE, configured, starting_point


@pytest.mark.parametrize("name", SPACE)
def test_a_training_takes_all_that_is_searched(name: str) -> None:
    distribution = cast("IntDistribution | FloatDistribution", SPACE[name])

    assert name in TrainingConfig.model_fields
    for value in (distribution.low, distribution.high):
        assert getattr(configured(TrainingConfig(), {name: value}), name) == value


@pytest.mark.parametrize(("name", "value"), starting_point(TrainingConfig()).items())
def test_the_defaults_lie_within(name: str, value: float) -> None:
    distribution = SPACE[name]

    assert distribution.to_external_repr(distribution.to_internal_repr(value)) == value
    assert cast("IntDistribution", distribution).low <= value <= cast("IntDistribution", distribution).high


def test_what_a_training_does_not_take_is_refused() -> None:
    with pytest.raises(ValidationError, match="dropout"):
        configured(TrainingConfig(), {"dropout": 1.5})
    with pytest.raises(ValidationError, match="depth"):
        configured(TrainingConfig(), {"depth": 3})
