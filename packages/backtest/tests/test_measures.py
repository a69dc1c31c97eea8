"""The tables' numbers beside those of utilsforecast."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from packages.backtest.tests.folders import day
from services.trainer.tests.panels import make_panel
from utilsforecast import losses

from closecast.forecasting.series import Floats
from closecast.horizons import LEVELS, MEDIAN
from closecast_backtest.measures import Measures
from closecast_backtest.peers.walks import Ewma
from closecast_backtest.plan import make_plan

PLAN = make_plan(make_panel(3, 420), day(330), step=3, horizon=10)
QUANTILES = 1.01 * Ewma().forecast(PLAN.panel, day(330), PLAN.origins)
MEASURES = Measures.of(QUANTILES, PLAN.origins.actual, PLAN.origins.last_close, PLAN.origins.rows)
NAMES = [f"q{level}" for level in LEVELS]


def frame(*, logarithms: bool, horizons: int = 10) -> pd.DataFrame:
    """Return forecasts as utilsforecast wants them, as prices or as log returns."""
    last = PLAN.origins.last_close[:, None]

    def told(prices: Floats) -> Floats:
        return np.log(prices / last) if logarithms else prices

    origin, horizon = np.indices((len(PLAN.origins), horizons))
    columns: dict[str, NDArray[Any]] = {"unique_id": PLAN.origins.rows[origin], "cutoff": origin, "ds": horizon}
    columns |= {"y": told(PLAN.origins.actual[:, :horizons]), "naive": told(np.repeat(last, horizons, axis=1))}
    columns |= {name: told(QUANTILES[:, :horizons, level]) for level, name in enumerate(NAMES)}
    return pd.DataFrame({name: values.ravel() for name, values in columns.items()})


def mean_of(measured: pd.DataFrame, name: str) -> float:
    """Return the mean over symbols of the mean over their origins."""
    return float(measured.groupby("unique_id")[name].mean().mean())


@pytest.mark.parametrize(("horizons", "measured"), [(1, MEASURES.pinball_next), (10, MEASURES.pinball)])
def test_pinball_is_the_mean_quantile_loss_of_log_returns(horizons: int, measured: float) -> None:
    table = frame(logarithms=True, horizons=horizons)
    by_level = [
        mean_of(losses.quantile_loss(table, {name: name}, q=level), name)
        for name, level in zip(NAMES, LEVELS, strict=True)
    ]
    assert measured == pytest.approx(np.mean(by_level))


@pytest.mark.parametrize(("horizons", "measured"), [(1, MEASURES.rmae_next), (10, MEASURES.rmae)])
def test_rmae_is_a_symbols_error_over_that_of_naive(horizons: int, measured: float) -> None:
    median = NAMES[MEDIAN]
    errors = losses.mae(frame(logarithms=False, horizons=horizons), [median, "naive"]).groupby("unique_id").mean()
    assert measured == pytest.approx((errors[median] / errors["naive"]).mean())
    assert measured != pytest.approx(1), "or a mistake could not show"


@pytest.mark.parametrize(
    ("lower", "upper", "measured"), [(1, 5, MEASURES.coverage_80), (0, 6, MEASURES.coverage_95)], ids=["80", "95"]
)
def test_coverage_is_the_share_within_the_interval(lower: int, upper: int, measured: float) -> None:
    table = frame(logarithms=False).rename(columns={NAMES[lower]: "m-lo-80", NAMES[upper]: "m-hi-80"})
    assert measured == pytest.approx(mean_of(losses.coverage(table, ["m"], level=80), "m"))


def test_naive_itself_has_an_rmae_of_one() -> None:
    measures = Measures.of(QUANTILES / 1.01, PLAN.origins.actual, PLAN.origins.last_close, PLAN.origins.rows)
    assert (measures.rmae_next, measures.rmae) == (1, 1)


def test_a_median_alone_has_an_error_and_nothing_else() -> None:
    medians = np.full_like(QUANTILES, np.nan)
    medians[..., MEDIAN] = QUANTILES[..., MEDIAN]
    medians[0, 0, MEDIAN] = -1

    measures = Measures.of(medians, PLAN.origins.actual, PLAN.origins.last_close, PLAN.origins.rows)

    assert measures.rmae > 1
    assert np.isnan([measures.pinball_next, measures.pinball, measures.coverage_80, measures.coverage_95]).all()
