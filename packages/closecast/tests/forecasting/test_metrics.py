"""Each measure beside utilsforecast's own, where the two define the same."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest
from utilsforecast import losses

from closecast.forecasting.metrics import METRICS, finite, score
from closecast.forecasting.series import Floats, Integers
from closecast.horizons import HORIZONS, LEVELS, MEDIAN

COLUMNS = [f"q{level}" for level in LEVELS]


class Case(NamedTuple):
    quantiles: Floats
    actual: Floats
    last_close: Floats
    series: Integers


@pytest.fixture
def case() -> Case:
    random = np.random.default_rng(0)
    series = np.repeat([0, 1, 2], [20, 35, 10])
    last_close = np.array([10.0, 50.0, 900.0])[series] * np.exp(random.normal(0, 0.1, 65))
    actual = last_close[:, None] * np.exp(np.cumsum(random.normal(0, 0.02, (65, HORIZONS)), axis=1))
    spread = 0.02 * np.sqrt(np.arange(1, HORIZONS + 1))[:, None] * np.array([-2, -1.3, -0.7, 0.1, 0.7, 1.3, 2])
    return Case(last_close[:, None, None] * np.exp(spread), actual, last_close, series)


def frame(case: Case) -> pd.DataFrame:
    """Return a case as utilsforecast wants it: a row for each symbol, origin and horizon."""
    columns = {name: case.quantiles[..., position].ravel() for position, name in enumerate(COLUMNS)}
    return pd.DataFrame(
        {
            "unique_id": np.repeat(case.series, HORIZONS),
            "y": case.actual.ravel(),
            "model": case.quantiles[..., MEDIAN].ravel(),
            "naive": np.repeat(case.last_close, HORIZONS),
            "model-lo-80": columns["q0.1"],
            "model-hi-80": columns["q0.9"],
            "model-lo-95": columns["q0.025"],
            "model-hi-95": columns["q0.975"],
            **columns,
        }
    )


def by_utilsforecast(case: Case) -> Iterator[tuple[str, pd.DataFrame]]:
    table, levels = frame(case), np.array(LEVELS)
    logs = table.copy()
    logs[["y", *COLUMNS]] = np.log(logs[["y", *COLUMNS]].div(logs["naive"], axis=0))
    yield "mae", losses.mae(table, ["model"])
    yield "rmse", losses.rmse(table, ["model"])
    yield "mape", losses.mape(table, ["model"])
    yield "rmae", losses.rmae(table, ["model"], baseline="naive")
    yield "mqloss", losses.mqloss(logs, {"model": COLUMNS}, levels)
    yield "scaled_crps", losses.scaled_crps(table, {"model": COLUMNS}, levels)
    yield "coverage_80", losses.coverage(table, ["model"], 80)
    yield "coverage_95", losses.coverage(table, ["model"], 95)


def test_measures_agree_with_utilsforecast(case: Case) -> None:
    own = score(*case)

    for name, theirs in by_utilsforecast(case):
        assert own[name] == pytest.approx(theirs["model"].mean(), rel=1e-9), name
    assert set(own) == set(METRICS)


def test_naive_scores_exactly_1(case: Case) -> None:
    unmoved = np.broadcast_to(case.last_close[:, None, None], case.quantiles.shape)

    measures = score(unmoved, case.actual, case.last_close, case.series)

    assert (measures["mase"], measures["rmae"]) == (1.0, 1.0)


def test_perfection_scores_0_and_explains_everything(case: Case) -> None:
    perfect = np.repeat(case.actual[:, :, None], len(LEVELS), axis=2)

    measures = score(perfect, case.actual, case.last_close, case.series)

    assert (measures["mae"], measures["mqloss"], measures["r2"], measures["coverage_80"]) == (0, 0, 1, 1)


def test_a_price_that_never_moves_is_left_out_of_ratios(case: Case) -> None:
    still = case.series == 2
    actual = np.where(still[:, None], case.last_close[:, None], case.actual)

    measures = score(case.quantiles, actual, case.last_close, case.series)

    assert np.isfinite(list(measures.values())).all()


def test_one_forecast_that_is_no_number_shows(case: Case) -> None:
    quantiles = case.quantiles.copy()
    quantiles[0, 0] = np.nan

    measures = score(quantiles, case.actual, case.last_close, case.series)

    assert np.isnan(measures["mae"])
    assert np.isnan(measures["mqloss"])


def test_only_numbers_are_told() -> None:
    measures = {"candidate": {"mqloss": 0.01, "r2": float("nan"), "mase": float("inf"), "rmae": None}, "naive": {}}

    assert finite(measures) == {"candidate": {"mqloss": 0.01}, "naive": {}}
