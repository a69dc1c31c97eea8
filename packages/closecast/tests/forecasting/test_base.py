from collections.abc import Callable
from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from closecast.forecasting.base import (
    BaseForecaster,
    BaseParameters,
    ascending,
    cumulative_returns,
    pinball,
)
from closecast.forecasting.panel import Panel
from closecast.forecasting.series import Floats, Series
from closecast.horizons import HORIZONS, LEVELS, MEDIAN

MakeSeries = Callable[..., Series]


def closes(prices: list[float] | Floats) -> Panel:
    sessions = [date(2020, 1, 1) + timedelta(days=day) for day in range(len(prices))]
    return Panel.of([Series.from_closes("A", sessions, prices)])


def test_the_median_is_the_last_close(panel: Panel) -> None:
    prices = BaseForecaster().forecast(panel)

    assert prices.shape == (3, HORIZONS, len(LEVELS))
    np.testing.assert_allclose(prices[..., MEDIAN], np.tile(panel.last_close[:, None], HORIZONS))


def test_intervals_widen_with_the_horizon(panel: Panel) -> None:
    prices = BaseForecaster().forecast(panel)

    assert (np.diff(prices[..., -1] - prices[..., 0], axis=1) > 0).all()


@given(
    prices=st.one_of(
        st.lists(st.floats(1e-6, 1e9), min_size=1, max_size=60),
        st.builds(lambda price, count: [price] * count, st.floats(1e-6, 1e9), st.integers(1, 400)),
    )
)
def test_any_history_gets_quantiles_that_ascend_and_are_positive(prices: list[float]) -> None:
    quantiles = BaseForecaster().forecast(closes(prices))

    assert np.isfinite(quantiles).all()
    assert (quantiles > 0).all()
    assert (np.diff(quantiles, axis=2) > 0).all()


def test_a_fresh_symbol_gets_wide_intervals() -> None:
    few, many = closes([10.0, 10.01, 10.0]), closes(10 + 0.01 * np.resize([0, 1], 400))

    spread_of_few, spread_of_many = (np.ptp(BaseForecaster().forecast(one)[0, 0, [0, -1]]) for one in (few, many))

    assert spread_of_few > 3 * spread_of_many


def test_a_gap_of_40_days_is_forecast() -> None:
    sessions = [date(2020, 1, 1) + timedelta(days=day + (40 if day >= 50 else 0)) for day in range(100)]
    series = Series.from_closes("A", sessions, np.linspace(10, 11, 100))

    assert np.isfinite(BaseForecaster().forecast(Panel.of([series]))).all()


def test_an_old_past_changes_nothing(panel: Panel) -> None:
    forecaster = BaseForecaster()

    np.testing.assert_array_equal(forecaster.forecast(panel), forecaster.forecast(panel.tail(forecaster.context)))


def test_the_fit_covers_what_it_was_fitted_to(make_series: MakeSeries) -> None:
    panel = Panel.of([make_series(name, 1500, seed=seed) for seed, name in enumerate("ABCD")])
    parameters = BaseParameters.fit(panel)
    shape = np.array(parameters.shape)

    assert parameters.volatility == pytest.approx(0.02, rel=0.1)
    assert parameters.decay == 0.97, "the volatility is constant, so the slowest decay is the best"
    np.testing.assert_allclose(shape[0], [-1.96, -1.28, -0.67, 0, 0.67, 1.28, 1.96], atol=0.15)
    assert (shape[:, MEDIAN] == 0).all()


def test_a_fit_to_too_little_is_the_default() -> None:
    assert BaseParameters.fit(closes([10, 11, 12])) == BaseParameters()


def test_crossing_quantiles_are_no_shape() -> None:
    shape = [list(row) for row in BaseParameters().shape]
    shape[3][0] = 1.0

    with pytest.raises(ValidationError, match="must ascend"):
        BaseParameters.model_validate({"shape": shape})


def test_cumulative_returns_look_ahead_and_end_with_the_panel() -> None:
    panel = closes(np.exp(0.01 * np.arange(15)))

    targets = cumulative_returns(panel)[0]

    np.testing.assert_allclose(targets[0], 0.01 * np.arange(1, HORIZONS + 1))
    assert np.isnan(targets[-1]).all()
    assert np.isnan(targets[9]).tolist() == [False] * 5 + [True] * 5


def test_pinball_is_least_at_the_quantile() -> None:
    actual = np.random.default_rng(0).normal(size=20_000)
    normal = np.array([-1.96, -1.2816, -0.6745, 0, 0.6745, 1.2816, 1.96])

    right, wrong = (
        pinball(actual, np.broadcast_to(quantiles, (len(actual), 7))).mean(axis=0)
        for quantiles in (normal, normal + 0.2)
    )

    assert (right < wrong).all()


@given(st.lists(st.floats(-3, 3), min_size=len(LEVELS), max_size=len(LEVELS)))
def test_ascending_keeps_the_median_and_parts_the_rest(values: list[float]) -> None:
    shape = np.array([values])

    apart = ascending(shape)

    assert apart[0, MEDIAN] == shape[0, MEDIAN]
    assert (np.diff(apart) > 0.009).all()
