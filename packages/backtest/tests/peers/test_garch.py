"""Our filter of a GJR-GARCH beside arch's own."""

import numpy as np
import pytest
from arch import arch_model
from packages.backtest.tests.folders import day, late_series, panel_with
from services.trainer.tests.panels import make_series

from closecast.horizons import LEVELS, MEDIAN
from closecast_backtest.peers.garch import Garch, GjrGarch
from closecast_backtest.peers.walks import Ewma
from closecast_backtest.plan import make_plan

RETURNS = 100 * make_series("S", 1200, 5).log_return[1:]
FITTED_TO = 1000


@pytest.fixture(scope="module")
def fitted() -> GjrGarch:
    garch = GjrGarch.fit(RETURNS[:FITTED_TO])
    assert garch is not None
    return garch


def test_variances_ahead_are_those_of_arch(fitted: GjrGarch) -> None:
    model = arch_model(RETURNS, mean="Zero", vol="GARCH", p=1, o=1, q=1, dist="t", rescale=False)
    parameters = [fitted.omega, fitted.alpha, fitted.gamma, fitted.beta, fitted.degrees]
    own = model.fix(parameters).forecast(horizon=10, start=FITTED_TO - 1, method="analytic").variance.to_numpy()

    ours = fitted.variances(RETURNS, np.arange(FITTED_TO, len(RETURNS) + 1))

    np.testing.assert_allclose(ours, own, rtol=1e-6)


def test_what_was_fitted_is_what_arch_fits(fitted: GjrGarch) -> None:
    model = arch_model(RETURNS[:FITTED_TO], mean="Zero", vol="GARCH", p=1, o=1, q=1, dist="t", rescale=False)
    result = model.fit(disp="off")

    ahead = result.forecast(horizon=10).variance.to_numpy()

    np.testing.assert_allclose(fitted.variances(RETURNS, np.array([FITTED_TO])), ahead, rtol=1e-6)
    np.testing.assert_allclose(fitted.quantiles(), model.distribution.ppf(np.array(LEVELS), result.params[-1:]))


def test_intervals_are_scaled_to_the_variance_of_the_sum() -> None:
    panel = panel_with(symbols=1)
    origins = make_plan(panel, day(400), step=10, horizon=10).origins
    returns = 100 * panel.log_return[0, 1:]
    fitted = GjrGarch.fit(returns[:399])
    assert fitted is not None

    relative = np.log(Garch().forecast(panel, day(400), origins) / origins.last_close[:, None, None])

    spread = np.sqrt(np.cumsum(fitted.variances(returns, origins.columns), axis=1)) / 100
    np.testing.assert_allclose(relative, spread[:, :, None] * fitted.quantiles(), atol=1e-12)
    assert (relative[..., MEDIAN] == 0).all()


def test_a_symbol_with_too_few_returns_gets_those_of_ewma() -> None:
    panel = panel_with(late_series("LATE", 520, 300, 3))
    origins = make_plan(panel, day(400), step=10, horizon=10).origins
    late = origins.rows == 2

    ours, ewma = Garch().forecast(panel, day(400), origins), Ewma().forecast(panel, day(400), origins)

    np.testing.assert_array_equal(ours[late], ewma[late])
    assert (ours[~late] != ewma[~late]).any()
