import math

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from services.trainer.tests.panels import QUICK, make_panel

from closecast.events import Hyperparameters
from closecast.horizons import HORIZONS, LEVELS, MEDIAN
from closecast_trainer.config import Epoch, TrainingConfig
from closecast_trainer.dataset import NotEnoughHistoryError
from closecast_trainer.hardware import resolve_device
from closecast_trainer.training import train


def test_training_reports_each_epoch_and_keeps_the_best() -> None:
    epochs: list[Epoch] = []

    result = train(make_panel(), QUICK, on_epoch=epochs.append, device="cpu")

    assert [one.epoch for one in epochs] == [0, 1, 2]
    assert tuple(epochs) == result.epochs
    assert math.isnan(epochs[0].training_loss)
    assert result.best_epoch == min(epochs, key=lambda one: one.validation_loss).epoch


def test_the_lstms_learn_what_the_regression_lacks() -> None:
    config = QUICK.model_copy(update={"epochs": 30, "learning_rate": 0.003, "hidden_size": 8})

    result = train(make_panel(symbols=8, sessions=800), config, device="cpu")

    first, best = result.epochs[0], result.epochs[result.best_epoch]
    assert best.validation_loss < 0.998 * first.validation_loss


def test_it_stops_when_nothing_improves_and_keeps_the_regression() -> None:
    config = QUICK.model_copy(update={"epochs": 50, "patience": 2, "learning_rate": 1.0})

    result = train(make_panel(symbols=1), config, device="cpu")

    assert len(result.epochs) < 50
    assert result.best_epoch > 0 or not result.network.members
    assert result.epochs[result.best_epoch].validation_loss <= result.epochs[0].validation_loss


def test_a_seed_decides_all() -> None:
    panel = make_panel()
    torch.manual_seed(99)
    first = train(panel, QUICK, device="cpu")
    torch.manual_seed(7)
    again = train(panel, QUICK, device="cpu")
    other = train(panel, QUICK.model_copy(update={"seed": 1}), device="cpu")

    weights = [torch.nn.utils.parameters_to_vector(one.network.parameters()) for one in (first, again, other)]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])
    np.testing.assert_array_equal(first.calibration, again.calibration)


def test_calibration_stays_near_1_and_leaves_the_median() -> None:
    result = train(make_panel(), QUICK, device="cpu")

    assert result.calibration.shape == (HORIZONS, len(LEVELS))
    assert (result.calibration[:, MEDIAN] == 1).all()
    assert ((result.calibration > 0.5) & (result.calibration < 2)).all()


def test_without_lstms_the_regression_is_trained_alone() -> None:
    result = train(make_panel(), QUICK.model_copy(update={"members": 0}), device="cpu")

    assert [one.epoch for one in result.epochs] == [0]
    assert not result.network.members
    assert result.network.linear.weight.abs().max() > 0


def test_a_short_panel_is_refused() -> None:
    with pytest.raises(NotEnoughHistoryError):
        train(make_panel(sessions=50), QUICK, device="cpu")


def test_a_request_overrides_only_what_it_names() -> None:
    config = TrainingConfig().with_request(Hyperparameters(epochs=7, seed=3))

    assert (config.epochs, config.seed) == (7, 3)
    assert config.hidden_size == TrainingConfig().hidden_size


def test_settings_out_of_bounds_are_refused() -> None:
    with pytest.raises(ValidationError, match="epochs"):
        TrainingConfig(epochs=0)


def test_a_device_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)

    assert resolve_device("auto") == torch.device("cpu")
    with pytest.raises(ValueError, match="this machine has none"):
        resolve_device("cuda")
