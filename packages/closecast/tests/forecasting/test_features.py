from collections.abc import Callable

import numpy as np

from closecast.forecasting.features import FEATURES, NEED_ONLY_CLOSES, compute_features
from closecast.forecasting.panel import Panel
from closecast.forecasting.series import Floats, Series
from closecast.forecasting.volatility import ewma_volatility

MakeSeries = Callable[..., Series]


def features_of(panel: Panel) -> Floats:
    return compute_features(panel, ewma_volatility(panel))


def column(features: Floats, name: str) -> Floats:
    return features[:, :, FEATURES.index(name)]


def test_every_feature_is_known_once_there_was_a_return(panel: Panel) -> None:
    features = features_of(panel)
    known = ~np.isnan(panel.log_return)

    assert features.shape == (3, 700, len(FEATURES))
    assert np.isfinite(features[known]).all()


def test_shuffling_the_future_changes_no_feature_before_it(panel: Panel) -> None:
    cut = 650
    random = np.random.default_rng(0)
    rows = [np.concatenate([np.arange(cut), random.permutation(np.arange(cut, 700))]) for _ in panel.symbols]
    shuffled = Panel.of(
        [
            Series.from_columns(
                symbol,
                session=panel.sessions[row, -length:],
                **{
                    name: getattr(panel, name)[row, rows[row]][-length:]
                    for name in ("open", "high", "low", "close", "volume")
                },
            )
            for row, (symbol, length) in enumerate(zip(panel.symbols, panel.lengths, strict=True))
        ]
    )

    assert not np.array_equal(shuffled.close[:, cut:], panel.close[:, cut:], equal_nan=True)
    np.testing.assert_array_equal(ewma_volatility(shuffled)[:, :cut], ewma_volatility(panel)[:, :cut])
    np.testing.assert_array_equal(features_of(shuffled)[:, :cut], features_of(panel)[:, :cut])


def test_no_other_symbol_shows(panel: Panel) -> None:
    alone = panel.select(["BBB"])

    np.testing.assert_array_equal(features_of(alone)[0], features_of(panel)[1])


def test_prices_in_another_currency_give_the_same_features(make_series: MakeSeries) -> None:
    series = make_series()
    prices = {name: 1000 * getattr(series, name) for name in ("open", "high", "low", "close")}
    scaled = Series.from_columns("AAA", session=series.sessions, volume=series.volume, **prices)

    np.testing.assert_allclose(features_of(Panel.of([scaled])), features_of(Panel.of([series])), atol=1e-9)


def test_closes_alone_leave_only_their_own_features(make_series: MakeSeries) -> None:
    series = make_series()
    closes = Series.from_closes("AAA", series.sessions.astype(object).tolist(), series.close)

    features = features_of(Panel.of([closes]))[0, -1]

    known = {name for name, value in zip(FEATURES, features, strict=True) if np.isfinite(value)}
    assert known == NEED_ONLY_CLOSES


def test_the_parts_of_a_return_add_up(panel: Panel) -> None:
    features = features_of(panel)

    parts = column(features, "overnight") + column(features, "intraday")

    np.testing.assert_allclose(parts, column(features, "return"), atol=1e-9)


def test_wilder_sessions_show_in_the_fast_volatility(make_series: MakeSeries) -> None:
    calm, wild = make_series(volatility=0.01), make_series(sessions=10, volatility=0.05, seed=1)
    close = np.append(calm.close, calm.close[-1] * np.exp(np.nancumsum(wild.log_return)))
    sessions = (np.datetime64("2015-01-01") + np.arange(len(close))).astype(object).tolist()
    panel = Panel.of([Series.from_closes("A", sessions, close)])

    fast = column(features_of(panel), "close_volatility_4")[0]

    assert np.nanargmax(fast) >= len(calm)
