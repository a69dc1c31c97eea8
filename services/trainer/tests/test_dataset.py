from itertools import pairwise

import numpy as np
import pytest
from services.trainer.tests.panels import make_panel, make_series, shuffled_after

from closecast.forecasting.base import cumulative_returns
from closecast.forecasting.features import FEATURES
from closecast.forecasting.panel import Panel
from closecast.forecasting.volatility import ewma_volatility
from closecast.horizons import HORIZONS
from closecast_trainer.dataset import PURGE, Fitted, NotEnoughHistoryError, make_sequences, slice_sessions

STRIDE = 16


def column_of(panel: Panel, session: object) -> int:
    return int(np.flatnonzero(panel.sessions[0] == np.datetime64(str(session)))[0])


def test_slices_follow_each_other_with_a_purge_between() -> None:
    panel = make_panel(sessions=1000)
    slices = slice_sessions(panel)
    spans = [slices.training, slices.validation, slices.calibration, slices.test]

    gaps = [column_of(panel, later.start) - column_of(panel, earlier.end) - 1 for earlier, later in pairwise(spans)]

    assert gaps == [PURGE] * 3
    assert PURGE >= HORIZONS
    assert (column_of(panel, spans[0].start), column_of(panel, spans[-1].end)) == (0, 999)


def test_a_short_panel_is_refused_with_what_it_takes() -> None:
    with pytest.raises(NotEnoughHistoryError, match=r"299 sessions.*needs 300"):
        slice_sessions(make_panel(sessions=299))


def test_shuffling_what_follows_the_training_slice_changes_nothing_fitted_or_seen() -> None:
    panel = make_panel()
    slices = slice_sessions(panel)
    cut = column_of(panel, slices.validation.start)
    other = shuffled_after(panel, cut)

    fitted, refitted = (Fitted.to(one, slices.training, 64) for one in (panel, other))
    before, after = (
        make_sequences(one, fitted, slices.training, stride=STRIDE, each_once=False) for one in (panel, other)
    )

    assert not np.array_equal(panel.close, other.close)
    assert fitted == refitted
    np.testing.assert_array_equal(before.features, after.features)
    np.testing.assert_array_equal(before.target, after.target)


def test_every_session_of_a_slice_counts_once() -> None:
    panel = make_panel()
    slices = slice_sessions(panel)
    fitted = Fitted.to(panel, slices.training, 64)

    sequences = make_sequences(panel, fitted, slices.calibration, stride=STRIDE, each_once=True)

    length = column_of(panel, slices.calibration.end) - column_of(panel, slices.calibration.start) + 1
    assert sequences.known[..., 0].sum() == length * len(panel)
    assert sequences.features.shape[1:] == (64, len(FEATURES))


def test_targets_are_future_returns_in_units_of_volatility() -> None:
    panel = make_panel(symbols=1)
    slices = slice_sessions(panel)
    fitted = Fitted.to(panel, slices.training, 64)

    sequences = make_sequences(panel, fitted, slices.validation, stride=STRIDE, each_once=True)

    at = column_of(panel, slices.validation.end)
    volatility = ewma_volatility(panel, fitted.base.decay, fitted.base.volatility)[0, at]
    expected = cumulative_returns(panel)[0, at] / volatility / np.sqrt(np.arange(1, HORIZONS + 1))
    np.testing.assert_allclose(sequences.target[0, -1], expected, rtol=0.02)


def test_the_end_of_the_panel_has_no_targets() -> None:
    panel = make_panel(symbols=1)
    slices = slice_sessions(panel)
    fitted = Fitted.to(panel, slices.training, 64)

    sequences = make_sequences(panel, fitted, slices.test, stride=STRIDE, each_once=True)

    assert sequences.known[0, -1].sum() == 0
    assert sequences.known[0, -2].tolist() == [True] + [False] * (HORIZONS - 1)


def test_a_symbol_without_sessions_in_a_slice_is_left_out() -> None:
    panel = Panel.of([make_series("OLD", 600, 0), make_series("GONE", 100, 1)])
    slices = slice_sessions(panel)
    fitted = Fitted.to(panel, slices.training, 64)

    alone = make_sequences(panel.select(["OLD"]), fitted, slices.validation, stride=STRIDE, each_once=True)
    both = make_sequences(panel, fitted, slices.validation, stride=STRIDE, each_once=True)

    assert len(both) == len(alone)
    with pytest.raises(NotEnoughHistoryError, match="no symbol"):
        make_sequences(panel.select(["GONE"]), fitted, slices.validation, stride=STRIDE, each_once=True)
