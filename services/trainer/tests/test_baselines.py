from collections.abc import Callable

import numpy as np
import pytest
from services.trainer.tests.panels import make_panel, shuffled_after

from closecast.forecasting.base import cumulative_returns
from closecast.forecasting.panel import Panel
from closecast.forecasting.series import Floats
from closecast.forecasting.spec import Span
from closecast.horizons import HORIZONS, MEDIAN
from closecast_trainer.baselines import MINIMUM_HISTORY, Origins, drift, ewma, naive, rolling_origins


def whole(panel: Panel) -> Span:
    return Span(start=panel.sessions[0, 0].astype(object), end=panel.sessions[0, -1].astype(object))


def test_origins_come_every_few_sessions_and_know_their_future() -> None:
    panel = make_panel(symbols=2, sessions=200)

    origins = rolling_origins(panel, whole(panel), step=5)

    columns = origins.columns[origins.rows == 0]
    assert set(np.diff(columns)) == {5}
    assert columns[0] == MINIMUM_HISTORY - 1
    assert columns[-1] <= 199 - HORIZONS
    assert len(origins) == 2 * len(columns)
    np.testing.assert_allclose(origins.actual[0], panel.close[0, columns[0] + 1 : columns[0] + 1 + HORIZONS])


def test_origins_that_are_to_know_less_of_their_future_reach_further() -> None:
    panel = make_panel(symbols=1, sessions=200)

    origins = rolling_origins(panel, whole(panel), step=1, ahead=3)

    assert origins.columns[-1] == 199 - 3
    np.testing.assert_allclose(origins.actual[-1], panel.close[0, 197:])


def test_naive_and_ewma_stay_where_they_are_and_drift_goes_on() -> None:
    panel = make_panel(symbols=2, sessions=200)
    origins = rolling_origins(panel, whole(panel), step=5)
    mean = np.array(
        [
            panel.log_return[row, 1 : column + 1].mean()
            for row, column in zip(origins.rows, origins.columns, strict=True)
        ]
    )

    for baseline in (naive, ewma):
        np.testing.assert_allclose(baseline(panel, origins)[:, 4, MEDIAN], origins.last_close)
    np.testing.assert_allclose(drift(panel, origins)[:, 4, MEDIAN], origins.last_close * np.exp(5 * mean))


def test_naive_takes_its_interval_from_all_returns_so_far() -> None:
    panel = make_panel(symbols=1, sessions=200)
    origins = rolling_origins(panel, whole(panel), step=50)
    spread = panel.log_return[0, 1 : origins.columns[-1] + 1].std()

    upper = naive(panel, origins)[-1, 3, -1]

    assert np.log(upper / origins.last_close[-1]) == pytest.approx(1.96 * 2 * spread, rel=1e-3)


@pytest.mark.parametrize("baseline", [naive, drift, ewma])
def test_shuffling_the_future_changes_no_baseline_before_it(
    baseline: Callable[[Panel, Origins], Floats],
) -> None:
    panel = make_panel(symbols=2, sessions=300)
    other = shuffled_after(panel, 200)
    span = Span(start=panel.sessions[0, 100].astype(object), end=panel.sessions[0, 199].astype(object))
    origins, others = rolling_origins(panel, span, step=5), rolling_origins(other, span, step=5)

    np.testing.assert_array_equal(baseline(panel, origins), baseline(other, others))
    assert not np.array_equal(cumulative_returns(panel), cumulative_returns(other), equal_nan=True)
