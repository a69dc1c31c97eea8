"""What a training must not know: anything after the cut, how a share was split, or another symbol's future."""

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from services.trainer.tests.panels import QUICK, make_panel, shuffled_after

from closecast.forecasting.bundle import Bundle
from closecast.forecasting.panel import Panel
from closecast.forecasting.series import Series
from closecast_trainer.candidate import Candidate, make_candidate
from closecast_trainer.dataset import slice_sessions
from closecast_trainer.training import TrainingResult, train

PANEL = make_panel(symbols=3, sessions=600)
SLICES = slice_sessions(PANEL)


def column_of(day: object) -> int:
    return int(np.searchsorted(PANEL.sessions[0], np.datetime64(str(day))))


def weights_of(result: TrainingResult) -> dict[str, torch.Tensor]:
    return dict(result.network.state_dict())


def judged(panel: Panel, folder: Path) -> Candidate:
    return make_candidate(panel, folder, QUICK, model="closecast-panel", device="cpu")


def test_shuffling_all_after_the_cut_changes_nothing_that_was_learned_or_is_forecast_before_it(tmp_path: Path) -> None:
    cut = column_of(SLICES.test.start)
    shuffled = shuffled_after(PANEL, cut)

    known, other = judged(PANEL, tmp_path / "known"), judged(shuffled, tmp_path / "other")

    assert not np.array_equal(shuffled.close[:, cut:], PANEL.close[:, cut:])
    assert known.result.fitted == other.result.fitted
    assert_array_equal(known.result.calibration, other.result.calibration)
    weights, others = weights_of(known.result), weights_of(other.result)
    assert weights.keys() == others.keys()
    assert all(torch.equal(weights[name], others[name]) for name in weights)
    rows, ends = np.arange(3).repeat(20), np.tile(np.arange(cut - 20, cut), 3)
    bundle, other_bundle = Bundle.load(known.folder), Bundle.load(other.folder)
    forecasts = bundle.forecast(PANEL.windows(rows, ends, bundle.context))
    assert_array_equal(forecasts, other_bundle.forecast(shuffled.windows(rows, ends, bundle.context)))
    assert known.spec.metrics != other.spec.metrics


@pytest.mark.parametrize("unknown", ["calibration", "test"])
def test_weights_know_nothing_of_the_slices_after_validation(unknown: str) -> None:
    shuffled = shuffled_after(PANEL, column_of(getattr(SLICES, unknown).start))

    known, other = train(PANEL, QUICK, device="cpu"), train(shuffled, QUICK, device="cpu")

    assert all(torch.equal(one, another) for one, another in zip(*map(_tensors, (known, other)), strict=True))
    assert np.array_equal(known.calibration, other.calibration) is (unknown == "test")


def test_what_lies_before_the_cut_is_learned_from() -> None:
    shuffled = shuffled_after(PANEL, column_of(SLICES.training.end) // 2)

    known, other = train(PANEL, QUICK, device="cpu"), train(shuffled, QUICK, device="cpu")

    assert not torch.equal(known.network.linear.weight, other.network.linear.weight)


@pytest.mark.parametrize("at", [100, 300, 560])
def test_a_split_of_10_to_1_changes_no_return_no_weight_and_no_forecast(at: int, tmp_path: Path) -> None:
    split = Panel.of([_split(PANEL, row, at) for row in range(len(PANEL))])

    whole, tenths = judged(PANEL, tmp_path / "whole"), judged(split, tmp_path / "tenths")

    assert_allclose(split.log_return, PANEL.log_return, atol=1e-12)
    assert_allclose(tenths.spec.base.shape, whole.spec.base.shape, atol=1e-9)
    for one, another in zip(_tensors(whole.result), _tensors(tenths.result), strict=True):
        assert_allclose(another, one, atol=1e-3)
    assert_allclose(
        Bundle.load(tenths.folder).forecast(split) * 10, Bundle.load(whole.folder).forecast(PANEL), rtol=1e-4
    )


def _tensors(result: TrainingResult) -> list[torch.Tensor]:
    return list(weights_of(result).values())


def _split(panel: Panel, row: int, at: int) -> Series:
    """Return a history that was split 10:1 at a session, its prices and volumes as they were traded."""
    after = np.arange(panel.width) >= at
    prices = {
        name: np.where(after, getattr(panel, name)[row] / 10, getattr(panel, name)[row])
        for name in ("open", "high", "low", "close")
    }
    return Series.from_columns(
        panel.symbols[row],
        session=panel.sessions[row],
        volume=np.where(after, panel.volume[row] * 10, panel.volume[row]),
        split=np.where(np.arange(panel.width) == at, 10.0, 1.0),
        **prices,
    )
