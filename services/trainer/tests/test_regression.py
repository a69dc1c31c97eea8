from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from closecast.forecasting.base import BaseParameters, pinball
from closecast.horizons import HORIZONS, LEVELS, MEDIAN
from closecast_trainer.dataset import Sequences
from closecast_trainer.regression import fit_regression

SHAPE = np.array(BaseParameters().shape)
CPU = torch.device("cpu")


def sequences_of(weight: NDArray[np.float64], windows: int = 2000, seed: int = 0) -> Sequences:
    """Return steps whose returns are as wide as a regression with these weights says, ``[features]``."""
    random = np.random.default_rng(seed)
    features = random.standard_normal((windows, 1, len(weight)))
    scale = np.exp(features @ weight)[..., None]
    target = scale * random.standard_normal((windows, 1, HORIZONS))
    known = np.ones(target.shape, dtype=np.bool_)
    return Sequences(features.astype(np.float32), target.astype(np.float32), known, sessions=windows)


def nothing(sequences: Sequences) -> NDArray[np.float32]:
    return np.zeros_like(sequences.target)


def test_it_finds_the_weights_and_the_shape_that_made_the_returns() -> None:
    weight = np.array([0.15, -0.05, 0.0])
    sequences = sequences_of(weight, windows=20_000)

    fitted = fit_regression(sequences, nothing(sequences), SHAPE, ridge=0.0, device=CPU)

    np.testing.assert_allclose(fitted.weight.mean(axis=0), weight, atol=0.01)
    normal = np.array([-1.96, -1.2816, -0.6745, 0.0, 0.6745, 1.2816, 1.96])
    np.testing.assert_allclose(fitted.shape.mean(axis=0), normal, atol=0.05)
    assert (fitted.shape[:, MEDIAN] == SHAPE[:, MEDIAN]).all()


def test_its_loss_is_below_the_bases_on_returns_it_has_not_seen() -> None:
    weight = np.array([0.3, -0.1, 0.0])
    sequences, unseen = sequences_of(weight), sequences_of(weight, seed=1)

    fitted = fit_regression(sequences, nothing(sequences), SHAPE, ridge=2.0, device=CPU)

    actual = unseen.target.astype(np.float64)
    stretch = np.exp(unseen.features @ fitted.weight.T)[..., None]
    base = np.broadcast_to(SHAPE, (*unseen.target.shape, len(LEVELS)))
    assert pinball(actual, fitted.shape * stretch).mean() < 0.97 * pinball(actual, base).mean()


def test_what_stands_beside_it_is_not_learned_twice() -> None:
    sequences = sequences_of(np.array([0.15, -0.05, 0.0]), windows=20_000)
    told = 0.15 * np.broadcast_to(sequences.features[..., :1], sequences.target.shape)

    fitted = fit_regression(sequences, told.astype(np.float32), SHAPE, ridge=0.0, device=CPU)

    np.testing.assert_allclose(fitted.weight.mean(axis=0), [0.0, -0.05, 0.0], atol=0.01)


def test_ridge_draws_it_towards_the_base() -> None:
    sequences = sequences_of(np.array([0.3, -0.1, 0.0]))

    free, drawn = (fit_regression(sequences, nothing(sequences), SHAPE, ridge, CPU) for ridge in (0.0, 1e6))

    assert np.abs(drawn.weight).max() < 0.05 * np.abs(free.weight).max()


@pytest.mark.parametrize("features", [1, 7])
def test_without_anything_to_fit_it_is_the_base(features: int) -> None:
    sequences = sequences_of(np.zeros(features), windows=3)
    unknown = replace(sequences, known=np.zeros_like(sequences.known), sessions=0)

    fitted = fit_regression(unknown, nothing(unknown), SHAPE, 1.0, CPU)

    np.testing.assert_array_equal(fitted.weight, np.zeros((HORIZONS, features)))
    np.testing.assert_array_equal(fitted.shape, SHAPE)
