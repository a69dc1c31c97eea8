from collections.abc import Callable

import numpy as np

from closecast.forecasting.base import BaseParameters
from closecast.forecasting.features import FEATURES, compute_features
from closecast.forecasting.inputs import feature_statistics, prepare, standardize
from closecast.forecasting.panel import Panel
from closecast.forecasting.series import Series
from closecast.forecasting.spec import ModelSpec
from closecast.forecasting.volatility import ewma_volatility

MakeSeries = Callable[..., Series]


def test_sequences_begin_at_step_0_and_end_at_the_latest_session(panel: Panel, spec: ModelSpec) -> None:
    short = Panel.of([Series.from_closes("A", [np.datetime64("2020-01-01").astype(object)], [1.0])])

    inputs = prepare(panel, spec)
    alone = prepare(short, spec)

    assert inputs.features.shape == (3, 64, len(FEATURES))
    assert inputs.last.tolist() == [63, 63, 63]
    assert inputs.columns[0].tolist() == list(range(636, 700))
    assert alone.last.tolist() == [0]
    assert alone.columns[0].tolist() == [0] + [-1] * 63
    assert (alone.features[0, 1:] == 0).all()
    assert np.isnan(alone.volatility[0, 1:]).all()


def test_only_the_context_counts(panel: Panel, spec: ModelSpec) -> None:
    whole, recent = prepare(panel, spec), prepare(panel.tail(spec.context), spec)

    np.testing.assert_array_equal(whole.features, recent.features)
    np.testing.assert_array_equal(whole.volatility, recent.volatility)


def test_a_symbol_reads_the_same_beside_longer_ones(panel: Panel, spec: ModelSpec) -> None:
    together, alone = prepare(panel, spec), prepare(panel.select(["CCC"]), spec)

    np.testing.assert_array_equal(together.features[2], alone.features[0])


def test_the_unknown_is_the_mean_and_the_extreme_is_bounded() -> None:
    mean, scale = (1.0,) * len(FEATURES), (2.0,) * len(FEATURES)
    features = np.full((1, 3, len(FEATURES)), [[np.nan], [3.0], [1e9]])

    assert standardize(features, mean, scale)[0, :, 0].tolist() == [0.0, 1.0, 5.0]


def test_statistics_standardize_what_they_were_taken_from(panel: Panel) -> None:
    base = BaseParameters()
    mean, scale = feature_statistics(panel, base)

    features = compute_features(panel, ewma_volatility(panel, base.decay, base.volatility))
    standardized = standardize(features, mean, scale)[~np.isnan(panel.log_return)]

    np.testing.assert_allclose(standardized.mean(axis=0), 0, atol=0.05)
    np.testing.assert_allclose(standardized.std(axis=0), 1, atol=0.25)


def test_statistics_of_closes_alone_leave_the_rest_as_it_is(make_series: MakeSeries) -> None:
    series = make_series()
    closes = Series.from_closes("AAA", series.sessions.astype(object).tolist(), series.close)

    mean, scale = feature_statistics(Panel.of([closes]), BaseParameters())

    turnover = FEATURES.index("turnover_5")
    assert (mean[turnover], scale[turnover]) == (0.0, 1.0)
    assert np.isfinite([*mean, *scale]).all()
