"""Candidates of all kinds before the gate, judged as any other: only the good one is served."""

from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats  # type: ignore[import-untyped]
from services.trainer.tests.panels import make_panel

from closecast.forecasting.base import BaseForecaster, BaseParameters, cumulative_returns, price_quantiles
from closecast.forecasting.panel import Panel
from closecast.forecasting.series import Floats, Integers
from closecast.forecasting.spec import Span
from closecast.horizons import HORIZONS, LEVELS
from closecast_trainer.evaluation import CANDIDATE, Evaluation, Forecaster, evaluate
from closecast_trainer.gate import decide

PANEL = make_panel(symbols=4, sessions=900)
TEST = Span(start=PANEL.sessions[0, 500].astype(object), end=PANEL.sessions[0, -1].astype(object))
PARAMETERS = BaseParameters.fit(PANEL.between(end=TEST.start))
BASE = BaseForecaster(PARAMETERS)
Forecast = Callable[[Panel], Floats]


class Injected:
    """A candidate that forecasts as it is told."""

    context = BaseForecaster.context

    def __init__(self, forecast: Forecast) -> None:
        self.forecast = forecast


def at(panel: Panel) -> tuple[Integers, Integers]:
    """Return row and column of the whole panel that each history ends at."""
    rows = np.array([PANEL.symbols.index(symbol) for symbol in panel.symbols])
    return rows, np.searchsorted(PANEL.sessions[0], panel.last_session)


def leaking(panel: Panel) -> Floats:
    """Know the next closes, as one does whose features reach over the origin, and be hardly ever wrong."""
    known = cumulative_returns(PANEL)[at(panel)]
    around = np.linspace(-0.002, 0.002, len(LEVELS))
    prices: Floats = panel.last_close[:, None, None] * np.exp(known[:, :, None] + around)
    return prices


def knowing_how_far(panel: Panel) -> Floats:
    """Know how far the next closes are from the last, but not on which side."""
    reach = np.abs(cumulative_returns(PANEL)[at(panel)])
    either_way = np.array([-1.02, -1.01, -1.0, 0.0, 1.0, 1.01, 1.02])
    prices: Floats = panel.last_close[:, None, None] * np.exp(reach[:, :, None] * either_way)
    return prices


def naive(panel: Panel) -> Floats:
    """Say that nothing changes, give or take the spread of all returns that were seen."""
    spread = np.nanstd(panel.log_return, axis=1)
    return price_quantiles(panel.last_close, spread, np.broadcast_to(np.array(PARAMETERS.shape), (len(panel), 10, 7)))


def broken(panel: Panel) -> Floats:
    """Have no number for a symbol, as weights do that have run away."""
    quantiles = BASE.forecast(panel)
    quantiles[np.array(panel.symbols) == "S2"] = np.nan
    return quantiles


def good(panel: Panel) -> Floats:
    """Know the volatility that the walks are made with, and nothing of where they go."""
    rows, columns = at(panel)
    steps = columns[:, None] + np.arange(1, HORIZONS + 1)
    volatility = 0.02 * np.exp(0.7 * np.sin(steps / 40 + rows[:, None]))
    scale = np.sqrt(np.cumsum(volatility**2, axis=1))
    prices: Floats = panel.last_close[:, None, None] * np.exp(scale[:, :, None] * stats.norm.ppf(LEVELS))
    return prices


def judged(forecast: Forecast, champion: Forecaster | None = None) -> Evaluation:
    return evaluate(Injected(forecast), BASE, PANEL, TEST, champion=champion)


@pytest.mark.parametrize("forecast", [leaking, knowing_how_far])
def test_a_leaking_candidate_is_refused_for_what_is_too_good_to_be_true(forecast: Forecast) -> None:
    evaluation = judged(forecast)

    decision = decide(evaluation)

    assert evaluation.skill > 0.3
    assert not decision.promoted
    assert "a leak of the future is likelier than skill" in decision.reason


def test_a_naive_candidate_has_a_mase_of_exactly_1_and_is_refused() -> None:
    evaluation = judged(naive)

    decision = decide(evaluation)

    assert evaluation.metrics[CANDIDATE]["mase"] == 1.0
    assert not decision.promoted
    assert "against base's" in decision.reason


def test_a_broken_candidate_is_refused() -> None:
    decision = decide(judged(broken))

    assert not decision.promoted
    assert "of the candidate is not a number" in decision.reason


def test_a_good_candidate_is_promoted_and_the_base_is_refused_beside_it() -> None:
    assert decide(judged(good)).promoted

    decision = decide(judged(BASE.forecast, champion=Injected(good)))

    assert not decision.promoted
    assert "against champion's" in decision.reason


@pytest.mark.parametrize("forecast", [leaking, knowing_how_far, naive, broken])
def test_what_is_refused_beside_nothing_is_refused_beside_a_champion(forecast: Forecast) -> None:
    assert not decide(judged(forecast, champion=Injected(good))).promoted
