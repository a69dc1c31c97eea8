import numpy as np
import pytest

from closecast.forecasting.base import BaseParameters
from closecast.horizons import HORIZONS, LEVELS, MEDIAN
from closecast_trainer.conformal import as_factors, calibrate
from closecast_trainer.dataset import Sequences

SHAPE = np.array(BaseParameters().shape)


def slice_of(width: float, windows: int = 4000) -> Sequences:
    """Return steps whose returns are normal, `width` times as wide as those of `NORMAL`."""
    target = width * np.random.default_rng(0).standard_normal((windows, 1, HORIZONS))
    known = np.ones(target.shape, dtype=np.bool_)
    features = np.zeros((windows, 1, 1), dtype=np.float32)
    return Sequences(features, target.astype(np.float32), known, sessions=windows)


NORMAL = np.tile([-1.96, -1.2816, -0.6745, 0.0, 0.6745, 1.2816, 1.96], (HORIZONS, 1))


def calibrated(sequences: Sequences, trained_on: int) -> np.ndarray:
    quantiles = np.broadcast_to(NORMAL, (*sequences.target.shape, len(LEVELS)))
    return calibrate(quantiles, NORMAL, sequences, trained_on)


def test_what_holds_is_left_as_it_is() -> None:
    np.testing.assert_allclose(calibrated(slice_of(1.0), trained_on=1), NORMAL, atol=0.05)


def test_intervals_that_are_too_narrow_are_widened_to_what_would_have_held() -> None:
    sequences = slice_of(1.3)

    shape = calibrated(sequences, trained_on=0)

    np.testing.assert_allclose(shape, 1.3 * NORMAL, atol=0.05)
    assert (shape[:, MEDIAN] == 0).all()


def test_a_slice_counts_by_its_sessions_beside_those_trained_on() -> None:
    sequences = slice_of(1.3)

    shape = calibrated(sequences, trained_on=3 * sequences.sessions)

    np.testing.assert_allclose(shape, (1 + 0.3 / 4) * NORMAL, atol=0.05)


@pytest.mark.parametrize("width", [1e-3, 1e3])
def test_a_slice_that_is_beyond_belief_changes_little_and_quantiles_ascend(width: float) -> None:
    shape = calibrated(slice_of(width), trained_on=0)

    assert (np.diff(shape, axis=1) > 0).all()
    assert 0.5 <= (shape[:, -1] / NORMAL[:, -1]).min() <= (shape[:, -1] / NORMAL[:, -1]).max() <= 2


def test_a_slice_without_targets_changes_nothing() -> None:
    sequences = slice_of(1.3, windows=2)
    quantiles = np.broadcast_to(NORMAL, (2, 1, HORIZONS, len(LEVELS)))
    unknown = Sequences(sequences.features, sequences.target, np.zeros_like(sequences.known), sessions=0)

    np.testing.assert_array_equal(calibrate(quantiles, NORMAL, unknown, 100), NORMAL)


def test_a_shape_as_factors_of_the_bases_gives_it_back() -> None:
    factors = as_factors(NORMAL, SHAPE)

    np.testing.assert_allclose(factors * SHAPE, NORMAL)
    assert (factors[:, MEDIAN] == 1).all()
