import numpy as np
import pytest
from services.trainer.tests.panels import make_panel

from closecast.forecasting.base import BaseForecaster, BaseParameters
from closecast.forecasting.panel import Panel
from closecast.forecasting.series import Floats
from closecast.forecasting.spec import Span
from closecast.horizons import LEVELS
from closecast_trainer.calibration import calibration, share
from closecast_trainer.evaluation import Evaluation, evaluate

PANEL = make_panel(symbols=4, sessions=900)
TEST = Span(start=PANEL.sessions[0, 500].astype(object), end=PANEL.sessions[0, -1].astype(object))
BASE = BaseForecaster(BaseParameters.fit(PANEL.between(end=TEST.start)))


class Stretched:
    """The base with quantiles that lie further from the last close, or nearer to it."""

    context = BaseForecaster.context

    def __init__(self, stretch: float) -> None:
        self._stretch = stretch

    def forecast(self, panel: Panel) -> Floats:
        close = panel.last_close[:, None, None]
        prices: Floats = close * (BASE.forecast(panel) / close) ** self._stretch
        return prices


def judged(stretch: float) -> Evaluation:
    return evaluate(Stretched(stretch), BASE, PANEL, TEST)


def test_shares_are_counted_as_they_are_defined() -> None:
    evaluation = judged(1)
    at = LEVELS.index(0.9)
    quantiles, actual = evaluation.quantiles["candidate"][:, 2], evaluation.origins.actual[:, 2]

    found = calibration(evaluation, horizon=3)

    assert found is not None
    assert [one.nominal for one in found.quantiles] == list(LEVELS)
    assert found.quantiles[at].observed == pytest.approx(np.mean(actual <= quantiles[:, at]))
    assert [one.nominal for one in found.intervals] == [0.5, 0.8, 0.95]
    within_80 = (quantiles[:, LEVELS.index(0.1)] <= actual) & (actual <= quantiles[:, at])
    assert found.intervals[1].observed == pytest.approx(np.mean(within_80))


def test_coverage_over_all_horizons_is_that_of_the_metrics() -> None:
    evaluation = judged(1)

    found = calibration(evaluation)

    assert found is not None
    assert found.intervals[1].observed == pytest.approx(evaluation.metrics["candidate"]["coverage_80"])
    assert found.intervals[2].observed == pytest.approx(evaluation.metrics["candidate"]["coverage_95"])


@pytest.mark.parametrize(("stretch", "too_few"), [(0.5, True), (2.0, False)])
def test_intervals_of_the_wrong_width_are_found_out(stretch: float, too_few: bool) -> None:
    found = calibration(judged(stretch))

    assert found is not None
    for one in found.intervals:
        assert not one.is_consistent
        assert (one.observed < one.nominal) is too_few


def test_forecasts_that_are_no_numbers_have_no_calibration() -> None:
    evaluation = judged(1)
    evaluation.quantiles["candidate"][0, 0, 0] = np.nan

    assert calibration(evaluation) is None
    assert calibration(evaluation, horizon=2) is not None


def test_shares_of_a_calibrated_forecaster_lie_in_the_band_as_often_as_it_says() -> None:
    """Of symbols that move together and horizons that overlap, as those of a market do."""
    random = np.random.default_rng(5)
    symbols, sessions = 10, 80
    inside = []
    for _ in range(1000):
        market = np.convolve(random.normal(size=sessions + 1), [1, 1], mode="valid") / np.sqrt(2)
        moves = np.sqrt(0.5) * (market[:, None] + random.normal(size=(sessions, symbols)))
        by_session = (moves <= 1.2815516).mean(axis=1)
        inside.append(share(by_session, 0.9, ahead=2, forecasts=symbols * sessions).is_consistent)

    assert np.mean(inside) == pytest.approx(0.95, abs=0.03)


def test_a_band_is_never_without_width() -> None:
    never = share(np.zeros(40), 0.025, ahead=2, forecasts=40)
    too_few = share(np.array([0.0, 1.0]), 0.5, ahead=2, forecasts=200)

    assert never.is_consistent
    assert never.consistent == pytest.approx((0.0, 0.025 + 1.96 * np.sqrt(0.025 * 0.975 / 40)), rel=1e-3)
    assert too_few.consistent == (0.0, 1.0)
