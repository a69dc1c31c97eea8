import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from closecast.forecasting.base import BaseParameters
from closecast.forecasting.correction import LARGEST_LOG_STRETCH, corrected
from closecast.forecasting.series import Floats
from closecast.horizons import HORIZONS, LEVELS, MEDIAN

SHAPE = np.array(BaseParameters().shape)
ONES = np.ones((HORIZONS, len(LEVELS)))


def test_no_correction_is_the_base() -> None:
    np.testing.assert_array_equal(corrected(SHAPE, np.zeros((2, HORIZONS)), ONES), [SHAPE, SHAPE])


@given(arrays(np.float64, (1, HORIZONS), elements=st.floats(-LARGEST_LOG_STRETCH, LARGEST_LOG_STRETCH)))
def test_no_correction_crosses_quantiles_or_moves_the_median(correction: Floats) -> None:
    quantiles = corrected(SHAPE, correction, ONES)

    assert (np.diff(quantiles, axis=2) > 0).all()
    np.testing.assert_array_equal(quantiles[0, :, MEDIAN], SHAPE[:, MEDIAN])


def test_each_horizon_is_stretched_by_its_own_number() -> None:
    stretches = np.linspace(0.5, 2, HORIZONS)

    quantiles = corrected(SHAPE, np.log(stretches)[None], ONES)[0]

    np.testing.assert_allclose(quantiles, SHAPE * stretches[:, None])


def test_calibration_scales_the_distance_from_the_median() -> None:
    quantiles = corrected(SHAPE, np.zeros((1, HORIZONS)), 1.5 * ONES)[0]

    np.testing.assert_allclose(quantiles, 1.5 * SHAPE)
