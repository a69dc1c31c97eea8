from datetime import date, timedelta
from itertools import pairwise

import numpy as np
import pytest
from services.trainer.tests.panels import make_panel, shuffled_after

from closecast_trainer.dataset import PURGE, slice_sessions
from closecast_tuning.folds import FoldsError, make_folds

PANEL = make_panel(symbols=2, sessions=1000)


def sessions_between(earlier: date, later: date) -> int:
    return (later - earlier).days - 1


def test_folds_expand_and_judge_no_session_twice() -> None:
    folds = make_folds(PANEL, 4)

    assert len(folds) == 4
    for older, newer in pairwise(folds):
        assert older.panel.width < newer.panel.width
        assert older.panel.last_session.max() == np.datetime64(older.slices.test.end)
        assert sessions_between(older.slices.test.end, newer.slices.test.start) == PURGE


def test_each_fold_is_cut_as_a_training_at_its_day_would_be() -> None:
    for fold in make_folds(PANEL, 3):
        assert fold.slices == slice_sessions(PANEL.between(end=fold.slices.test.end))


def test_the_test_slice_is_never_seen() -> None:
    test = slice_sessions(PANEL).test
    first = int(np.flatnonzero(PANEL.sessions[0] == np.datetime64(test.start))[0])
    shuffled = shuffled_after(PANEL, first)

    before, after = make_folds(PANEL, 4), make_folds(shuffled, 4)

    assert shuffled.fingerprint() != PANEL.fingerprint()
    assert [fold.panel.fingerprint() for fold in after] == [fold.panel.fingerprint() for fold in before]
    assert sessions_between(before[-1].slices.test.end, test.start) == PURGE


def test_until_is_the_first_day_that_is_not_seen() -> None:
    day = PANEL.sessions[0, 700].astype(date)

    (fold,) = make_folds(PANEL, 1, until=day)

    assert fold.panel.last_session.max().astype(date) == day - timedelta(days=1)


@pytest.mark.parametrize(
    ("sessions", "folds", "until", "told"),
    [
        (200, 1, None, "data: before the test slice: the panel has 200 sessions, a training needs 300"),
        (1000, 9, None, "folds: 9 do not fit, at most 6; before the block of the oldest one: the panel has 275"),
        (1000, 1, date(2010, 2, 1), "until: before 2010-02-01: the panel has 31 sessions, a training needs 300"),
        (1000, 1, date(2009, 2, 1), "until: no symbol has a session before 2009-02-01"),
    ],
)
def test_too_little_history_is_told_by_option(sessions: int, folds: int, until: date | None, told: str) -> None:
    with pytest.raises(FoldsError, match=told):
        make_folds(make_panel(symbols=1, sessions=sessions), folds, until)
