from datetime import date
from typing import Any

import numpy as np
import pytest
from packages.backtest.tests.folders import day, late_series, panel_with
from services.trainer.tests.panels import make_panel, make_series

from closecast.forecasting.panel import Panel
from closecast_backtest.plan import Plan, PlanError, make_plan

PANEL = make_panel(2, 520)
START = day(400)


def plan_of(panel: Panel = PANEL, start: date = START, **options: Any) -> Plan:
    return make_plan(panel, start, **({"step": 5, "horizon": 10} | options))


def test_origins_are_every_fifth_session_whose_closes_ahead_are_known() -> None:
    plan = plan_of()

    columns = np.arange(400, 510, 5)
    np.testing.assert_array_equal(plan.origins.rows, np.repeat([0, 1], len(columns)))
    np.testing.assert_array_equal(plan.origins.columns, np.tile(columns, 2))
    np.testing.assert_allclose(plan.origins.actual[0], PANEL.close[0, 401:411])
    assert plan.origins.last_close[0] == PANEL.close[0, 400]


def test_a_shorter_horizon_needs_fewer_closes_ahead() -> None:
    plan = plan_of(horizon=3, step=1)

    assert plan.origins.actual.shape == (2 * (520 - 400 - 3), 3)
    assert plan.origins.sessions.max().astype(date) == day(516)


def test_steps_count_sessions_of_all_symbols_together() -> None:
    weekdays = np.flatnonzero(np.arange(520) % 7 < 5)
    whole = make_series("W", 520, 3)
    columns = {name: getattr(whole, name)[weekdays] for name in ("open", "high", "low", "close", "volume")}
    panel = panel_with(type(whole).from_columns("W", session=whole.sessions[weekdays], **columns))

    plan = plan_of(panel)

    days = [session.astype(date) for session in plan.origins.sessions[plan.origins.rows == 2]]
    assert days == [day(column) for column in range(400, 506, 5) if column % 7 < 5]


def test_an_origin_needs_sixty_sessions_of_its_symbol() -> None:
    plan = plan_of(panel_with(late_series("LATE", 520, 100, 3)))

    assert plan.origins.sessions[plan.origins.rows == 2].min().astype(date) == day(480)


def test_a_single_training_ends_before_the_start() -> None:
    (fold,) = plan_of(start=day(402)).folds

    assert fold.cut == day(402)
    assert fold.past.last_session.max().astype(date) == day(401)
    np.testing.assert_array_equal(fold.at, np.arange(len(fold.origins)))


def test_each_refit_ends_before_the_first_origin_of_its_fold() -> None:
    plan = plan_of(refit=40)

    assert [fold.cut for fold in plan.folds] == [day(400), day(440), day(480)]
    assert [fold.past.last_session.max().astype(date) for fold in plan.folds] == [day(399), day(439), day(479)]
    assert [len(fold.origins) for fold in plan.folds] == [16, 16, 12]
    for fold in plan.folds:
        np.testing.assert_array_equal(plan.origins.sessions[fold.at], fold.origins.sessions)
        assert (fold.origins.sessions >= np.datetime64(fold.cut)).all()
    assert sorted(np.concatenate([fold.at for fold in plan.folds])) == list(range(len(plan.origins)))


@pytest.mark.parametrize(
    ("start", "told"),
    [
        (day(520), f"start: {day(520)} lies after the last session, {day(519)}"),
        (day(515), f"start: from {day(515)} to {day(519)} no symbol has a session with 60 sessions up to it and 10"),
        (day(200), f"start: before {day(200)} the panel has 200 sessions, a training needs 300"),
        (day(0), f"start: no symbol has a session before {day(0)}"),
    ],
)
def test_a_start_that_leaves_too_little_is_refused(start: date, told: str) -> None:
    with pytest.raises(PlanError, match=told):
        plan_of(start=start)
