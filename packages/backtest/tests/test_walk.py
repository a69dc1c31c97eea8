from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from packages.backtest.tests.folders import day, late_series, panel_with
from services.trainer.tests.panels import QUICK, make_panel, shuffled_after

from closecast.forecasting.base import BaseForecaster, BaseParameters
from closecast.forecasting.bundle import Bundle
from closecast.forecasting.panel import Panel
from closecast_backtest.plan import make_plan
from closecast_backtest.walk import Forecasts, shares, walk
from closecast_trainer.candidate import Candidate, make_candidate
from closecast_trainer.config import Epoch
from closecast_trainer.evaluation import NothingToJudgeError, forecast_at
from closecast_trainer.gate import Decision

PANEL = make_panel(2, 520)


class Notes:
    """An observer that remembers."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def begins(self, number: int, cut: object) -> None:
        self.told.append(f"{number}: {cut}")

    def stage(self, name: str) -> None:
        self.told.append(name)

    def epoch(self, epoch: Epoch) -> None:
        self.told.append(f"epoch {epoch.epoch}")

    def decided(self, outcome: str) -> None:
        self.told.append(outcome)


Judged = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def judged(monkeypatch: pytest.MonkeyPatch) -> Judged:
    """Return what makes the gate decide as told, training by training, and what each of them was given."""

    def decide(*outcomes: str) -> list[dict[str, Any]]:
        calls: list[dict[str, Any]] = []

        def making(panel: Panel, folder: Path, *arguments: Any, **options: Any) -> Candidate:
            decision = Decision(promoted=outcomes[len(calls)] == "promoted", reasons=("as the test wants it",))
            calls.append({"panel": panel, "folder": folder, **options})
            return replace(make_candidate(panel, folder, *arguments, **options), decision=decision)

        monkeypatch.setattr("closecast_backtest.walk.make_candidate", making)
        return calls

    return decide


def forecasts_of(panel: Panel, folder: Path, notes: Notes | None = None, **options: Any) -> Forecasts:
    plan = make_plan(panel, day(400), **({"step": 5, "horizon": 10} | options))
    return walk(plan, folder, QUICK, notes or Notes(), device="cpu")


def test_a_promoted_model_speaks_except_for_short_histories(tmp_path: Path, judged: Judged) -> None:
    panel = panel_with(late_series("LATE", 520, 250, 3))
    calls = judged("promoted")
    notes = Notes()

    plan = make_plan(panel, day(400), step=5, horizon=4)
    forecasts = walk(plan, tmp_path, QUICK, notes, device="cpu")

    bundle = Bundle.load(calls[0]["folder"])
    np.testing.assert_array_equal(forecasts.quantiles, forecast_at(bundle, panel, plan.origins)[:, :4])
    history = plan.origins.columns + 1 - np.array([0, 0, 270])[plan.origins.rows]
    short = history < bundle.spec.minimum_history
    assert short.any()
    assert not short.all()
    assert set(forecasts.models[short]) == {"base"}
    assert set(forecasts.models[~short]) == {f"panel@{day(400)}"}
    assert dict(shares(forecasts)) == {"base": short.mean(), f"panel@{day(400)}": 1 - short.mean()}
    assert notes.told[:2] == [f"1: {day(400)}", "train"]
    assert notes.told[-1] == "forecast"
    assert f"promoted, panel@{day(400)} speaks: as the test wants it" in notes.told


def test_the_base_speaks_while_nothing_has_been_promoted(tmp_path: Path, judged: Judged) -> None:
    judged("rejected")

    forecasts = forecasts_of(PANEL, tmp_path)

    plan = make_plan(PANEL, day(400), step=5, horizon=10)
    base = BaseForecaster(BaseParameters.fit(PANEL.between(end=day(399))))
    assert set(forecasts.models) == {"base"}
    np.testing.assert_array_equal(forecasts.quantiles, forecast_at(base, PANEL, plan.origins))


def test_a_champion_goes_on_where_a_later_candidate_is_rejected(tmp_path: Path, judged: Judged) -> None:
    calls = judged("promoted", "rejected")

    forecasts = forecasts_of(PANEL, tmp_path, refit=60)

    plan = make_plan(PANEL, day(400), step=5, horizon=10)
    champion = Bundle.load(calls[0]["folder"])
    assert calls[0]["champion"] is None
    assert calls[1]["champion"].spec == champion.spec
    assert set(forecasts.models) == {f"panel@{day(400)}"}
    np.testing.assert_array_equal(forecasts.quantiles, forecast_at(champion, PANEL, plan.origins))


def test_each_training_sees_only_what_lies_before_its_fold(tmp_path: Path, judged: Judged) -> None:
    calls = judged("promoted", "promoted")

    forecasts = forecasts_of(PANEL, tmp_path, refit=60)

    assert [call["panel"].last_session.max().astype(object) for call in calls] == [day(399), day(459)]
    assert [call["champion"] and call["champion"].spec.slices.test.end for call in calls] == [None, day(399)]
    assert set(forecasts.models) == {f"panel@{day(400)}", f"panel@{day(460)}"}


@pytest.mark.slow
def test_what_comes_later_changes_no_forecast(tmp_path: Path) -> None:
    known_up_to = 465
    origins = make_plan(PANEL, day(400), step=5, horizon=10).origins
    before = origins.columns <= known_up_to

    forecasts = forecasts_of(PANEL, tmp_path / "one", refit=60)
    others = forecasts_of(shuffled_after(PANEL, known_up_to + 1), tmp_path / "other", refit=60)

    np.testing.assert_array_equal(forecasts.quantiles[before], others.quantiles[before])
    np.testing.assert_array_equal(forecasts.models[before], others.models[before])
    assert (forecasts.quantiles[~before] != others.quantiles[~before]).any(), "or the test could not fail"


def test_a_training_that_cannot_be_judged_leaves_the_base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*_: Any, **__: Any) -> Candidate:
        raise NothingToJudgeError("no session can be judged")

    monkeypatch.setattr("closecast_backtest.walk.make_candidate", failing)
    notes = Notes()

    forecasts = forecasts_of(PANEL, tmp_path, notes)

    assert set(forecasts.models) == {"base"}
    assert "failed, base speaks: no session can be judged" in notes.told
