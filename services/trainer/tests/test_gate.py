import numpy as np
import pytest
from services.trainer.tests.panels import make_panel

from closecast.forecasting.base import BaseForecaster, BaseParameters
from closecast.forecasting.panel import Panel
from closecast.forecasting.series import Floats
from closecast.forecasting.spec import Span
from closecast_trainer.config import GateSettings
from closecast_trainer.evaluation import Evaluation, evaluate
from closecast_trainer.gate import decide

PANEL = make_panel(symbols=3, sessions=700)
TEST = Span(start=PANEL.sessions[0, 500].astype(object), end=PANEL.sessions[0, -1].astype(object))
BASE = BaseForecaster(BaseParameters.fit(PANEL.between(end=TEST.start)))


class Bent:
    """The base with its log returns stretched and shifted."""

    context = BaseForecaster.context

    def __init__(self, stretch: float = 1.0, shift: float = 0.0, *, first: float | None = None) -> None:
        """Stretch all horizons, or the first one by another factor."""
        self.stretch, self.shift = np.full((10, 1), stretch), shift
        if first is not None:
            self.stretch[0] = first

    def forecast(self, panel: Panel) -> Floats:
        last_close = panel.last_close[:, None, None]
        bent: Floats = last_close * np.exp(self.shift + self.stretch * np.log(BASE.forecast(panel) / last_close))
        return bent


def judged(candidate: Bent, champion: Bent | None = None, panel_champion: Bent | None = None) -> Evaluation:
    return evaluate(candidate, BASE, PANEL, TEST, champion=champion, panel_champion=panel_champion)


def test_the_base_itself_is_worse_than_none() -> None:
    decision = decide(judged(Bent(), champion=Bent()))

    assert decision.promoted
    assert "no worse than naive, drift, ewma, base, champion" in decision.reason


def test_a_candidate_without_intervals_is_refused_for_each_that_it_is_worse_than() -> None:
    decision = decide(judged(Bent(stretch=0.0)))

    assert not decision.promoted
    for reference in ("naive", "ewma", "base"):
        assert f"against {reference}'s" in decision.reason


def test_a_median_that_is_off_is_refused_for_naive() -> None:
    decision = decide(judged(Bent(shift=0.03)))

    assert not decision.promoted
    assert "rmae" in decision.reason


def test_a_candidate_that_is_worse_than_the_champion_is_refused() -> None:
    decision = decide(judged(Bent(stretch=1.3), champion=Bent()), GateSettings(tolerance=0.005))

    assert not decision.promoted
    assert "champion" in decision.reason


def test_a_small_but_sure_excess_is_refused_and_an_unsure_one_is_not() -> None:
    evaluation = judged(Bent(stretch=1.12))
    excess = evaluation.metrics["candidate"]["mqloss"] / evaluation.metrics["base"]["mqloss"] - 1
    assert 0 < excess < 0.01

    p_value = evaluation.compare("base").mqloss
    sure = decide(evaluation, GateSettings(tolerance=0.5, significance=min(0.999, p_value + 0.01)))
    unsure = decide(evaluation, GateSettings(tolerance=0.5, significance=p_value / 2))

    assert (sure.promoted, unsure.promoted) == (False, True)
    assert "p = " in sure.reason


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_broken_candidate_is_refused(value: float) -> None:
    decision = decide(judged(Bent(shift=value)))

    assert not decision.promoted
    assert "not a number" in decision.reason


def test_an_own_model_has_to_beat_the_panels() -> None:
    level = decide(judged(Bent(), panel_champion=Bent()))
    better = decide(judged(Bent(), panel_champion=Bent(stretch=1.02)))

    assert not level.promoted
    assert "against panel's" in level.reason
    assert "has to beat" in level.reason
    assert better.promoted
    assert "against panel's" in better.reason


@pytest.mark.parametrize(
    ("candidate", "champion", "retires"),
    [
        (Bent(stretch=1.3), Bent(stretch=1.02), True),
        (Bent(stretch=1.3), Bent(), True),
        (Bent(stretch=1.3), None, False),
        (Bent(shift=np.nan), Bent(stretch=1.02), True),
    ],
)
def test_a_champion_that_does_not_beat_the_panels_is_retired(
    candidate: Bent, champion: Bent | None, retires: bool
) -> None:
    decision = decide(judged(candidate, champion, panel_champion=Bent()))

    assert (decision.promoted, decision.retires) == (False, retires)
    assert ("the champion is retired" in decision.reason) is retires


def test_a_champion_that_beats_the_panels_stays_when_a_candidate_fails() -> None:
    decision = decide(judged(Bent(stretch=1.3), Bent(), panel_champion=Bent(stretch=1.02)))

    assert (decision.promoted, decision.retires) == (False, False)


def test_being_good_at_the_sessions_asked_for_does_not_excuse_the_others() -> None:
    late_bad = Bent(stretch=1.3, first=1.0)

    panels = decide(judged(late_bad), prediction_steps=1)
    own = decide(judged(late_bad, panel_champion=Bent(first=1.3)), prediction_steps=1)

    assert not panels.promoted
    assert "against base's" in panels.reason
    assert not own.promoted
    assert "against panel's" in own.reason


def test_an_own_model_has_to_beat_the_panels_over_the_sessions_asked_for_too() -> None:
    evaluation = judged(Bent(first=1.02), panel_champion=Bent(stretch=1.02, first=1.0))

    assert decide(evaluation).promoted
    refused = decide(evaluation, prediction_steps=1)
    assert not refused.promoted
    assert refused.reason == "it does not beat the panel's over the first 1 of 10 sessions ahead"


def test_the_sessions_asked_for_retire_no_champion_that_wins_on_all() -> None:
    evaluation = judged(Bent(stretch=1.3), Bent(first=1.02), panel_champion=Bent(stretch=1.02, first=1.0))

    decision = decide(evaluation, prediction_steps=1)

    assert (decision.promoted, decision.retires) == (False, False)


def test_a_panels_champion_whose_loss_is_not_a_number_decides_nothing() -> None:
    broken = Bent(shift=np.nan)

    kept = decide(judged(Bent(stretch=1.3), Bent(), panel_champion=broken))
    promoted = decide(judged(Bent(), panel_champion=broken), prediction_steps=3)

    assert (kept.promoted, kept.retires) == (False, False)
    assert promoted.promoted
    assert "panel" not in promoted.reason
