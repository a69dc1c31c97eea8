import numpy as np
import pytest
from services.trainer.tests.panels import make_panel

from closecast.forecasting.base import BaseForecaster, BaseParameters
from closecast.forecasting.panel import Panel
from closecast.forecasting.series import Floats
from closecast.forecasting.spec import Span
from closecast.horizons import MEDIAN
from closecast_trainer.evaluation import NothingToJudgeError, evaluate

PANEL = make_panel(symbols=3, sessions=700)
TEST = Span(start=PANEL.sessions[0, 500].astype(object), end=PANEL.sessions[0, -1].astype(object))
BASE = BaseForecaster(BaseParameters.fit(PANEL.between(end=TEST.start)))


class Naive:
    """Nothing changes, and that is certain."""

    context = 1

    def forecast(self, panel: Panel) -> Floats:
        return np.broadcast_to(panel.last_close[:, None, None], (len(panel), 10, 7)).copy()


class Watching:
    """The base; it remembers the latest session that it was shown."""

    context = BaseForecaster.context

    def __init__(self) -> None:
        self.shown: list[np.datetime64] = []

    def forecast(self, panel: Panel) -> Floats:
        self.shown.extend(np.nanmax(panel.sessions, axis=1))
        return BASE.forecast(panel)


def test_all_models_are_judged_at_the_same_origins() -> None:
    evaluation = evaluate(BASE, BASE, PANEL, TEST, champion=BASE)

    assert list(evaluation.metrics) == ["candidate", "naive", "drift", "ewma", "base", "champion"]
    assert {len(quantiles) for quantiles in evaluation.quantiles.values()} == {len(evaluation.origins)}
    assert evaluation.metrics["candidate"] == evaluation.metrics["base"] == evaluation.metrics["champion"]
    assert evaluation.skill == pytest.approx(
        1 - evaluation.metrics["base"]["mqloss"] / evaluation.metrics["naive"]["mqloss"]
    )
    assert np.mean(evaluation.by_horizon["base"]) == pytest.approx(evaluation.metrics["base"]["mqloss"])


def test_volatility_that_clusters_gives_the_base_skill() -> None:
    evaluation = evaluate(BASE, BASE, PANEL, TEST)

    assert evaluation.skill > 0.02
    assert len(evaluation.skill_by_horizon) == 10
    assert evaluation.metrics["base"]["coverage_80"] == pytest.approx(0.8, abs=0.08)


def test_a_naive_candidate_scores_exactly_1() -> None:
    metrics = evaluate(Naive(), BASE, PANEL, TEST).metrics["candidate"]

    assert (metrics["mase"], metrics["rmae"]) == (1.0, 1.0)


def test_a_model_is_shown_nothing_after_its_origin() -> None:
    watching = Watching()

    evaluation = evaluate(watching, BASE, PANEL, TEST)

    assert watching.shown == list(evaluation.origins.sessions)
    np.testing.assert_allclose(
        evaluation.quantiles["candidate"][..., MEDIAN], np.tile(evaluation.origins.last_close[:, None], 10)
    )


def test_a_loss_may_be_asked_for_over_the_first_horizons_alone() -> None:
    class LateBad(Watching):
        """The base, with nonsense from the fourth session on."""

        def forecast(self, panel: Panel) -> Floats:
            quantiles = BASE.forecast(panel)
            quantiles[:, 3:] *= 2
            return quantiles

    evaluation = evaluate(LateBad(), BASE, PANEL, TEST)

    assert evaluation.loss("candidate", 3) == evaluation.loss("base", 3) < evaluation.loss("base", 10)
    assert evaluation.loss("candidate", 10) == pytest.approx(evaluation.metrics["candidate"]["mqloss"])
    assert evaluation.loss("candidate", 10) > 2 * evaluation.loss("base", 10)


def test_nothing_to_judge_is_said() -> None:
    end = PANEL.sessions[0, -1].astype(object)
    with pytest.raises(NothingToJudgeError, match="can be judged"):
        evaluate(BASE, BASE, PANEL, Span(start=end, end=end))


def test_a_worse_forecaster_is_found_out() -> None:
    comparison = evaluate(Naive(), BASE, PANEL, TEST).compare("base")

    assert comparison.mqloss < 0.01, "certainty costs"
    assert comparison.mae == 1.0, "both have the same median"
