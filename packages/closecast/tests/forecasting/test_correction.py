import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from closecast.forecasting.base import BaseParameters
from closecast.forecasting.correction import (
    CORRECTIONS,
    LARGEST_LOG_STRETCH,
    LOCATION,
    LOWER,
    UPPER,
    corrected,
)
from closecast.forecasting.series import Floats
from closecast.horizons import HORIZONS, LEVELS, MEDIAN

SHAPE = np.array(BaseParameters().shape)
ONES = np.ones((HORIZONS, len(LEVELS)))


def test_no_correction_is_the_base() -> None:
    np.testing.assert_array_equal(corrected(SHAPE, np.zeros((2, HORIZONS, CORRECTIONS)), ONES), [SHAPE, SHAPE])


@given(
    arrays(
        np.float64,
        (1, HORIZONS, CORRECTIONS),
        elements=st.floats(-LARGEST_LOG_STRETCH, LARGEST_LOG_STRETCH),
    )
)
def test_no_correction_crosses_quantiles(correction: Floats) -> None:
    assert (np.diff(corrected(SHAPE, correction, ONES), axis=2) > 0).all()


def test_each_number_bends_its_own_part() -> None:
    correction = np.zeros((1, HORIZONS, CORRECTIONS))
    correction[..., LOCATION], correction[..., LOWER], correction[..., UPPER] = 0.1, np.log(2), np.log(0.5)

    quantiles = corrected(SHAPE, correction, ONES)[0]

    np.testing.assert_allclose(quantiles[:, MEDIAN], 0.1)
    np.testing.assert_allclose(quantiles[:, :MEDIAN], 0.1 + 2 * SHAPE[:, :MEDIAN])
    np.testing.assert_allclose(quantiles[:, MEDIAN + 1 :], 0.1 + 0.5 * SHAPE[:, MEDIAN + 1 :])


def test_calibration_scales_the_distance_from_the_median() -> None:
    quantiles = corrected(SHAPE, np.zeros((1, HORIZONS, CORRECTIONS)), 1.5 * ONES)[0]

    np.testing.assert_allclose(quantiles, 1.5 * SHAPE)
