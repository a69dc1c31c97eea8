from collections.abc import Callable
from datetime import date, timedelta

import numpy as np
import pytest

from closecast.forecasting.panel import Panel
from closecast.forecasting.series import Series
from closecast.forecasting.volatility import ewma, ewma_volatility

MakeSeries = Callable[..., Series]


def of_returns(returns: list[float] | np.ndarray, volume: float = 1.0) -> Panel:
    close = 100 * np.exp(np.append(0, np.cumsum(returns)))
    sessions = [date(2020, 1, 1) + timedelta(days=day) for day in range(len(close))]
    series = Series.from_columns("A", session=sessions, open=close, high=close, low=close, close=close, volume=volume)
    return Panel.of([series])


def test_it_follows_the_recursion() -> None:
    returns = np.random.default_rng(0).normal(0, 0.02, 60)
    variance = 0.02**2
    for one in returns:
        variance = 0.9 * variance + 0.1 * one**2

    volatility = ewma_volatility(of_returns(returns), decay=0.9, prior=0.02)

    assert volatility[0, -1] == pytest.approx(np.sqrt(variance))


def test_it_finds_the_volatility_of_each_symbol(make_series: MakeSeries) -> None:
    panel = Panel.of([make_series("A", 2000, volatility=0.01), make_series("B", 2000, volatility=0.03)])

    volatility = ewma_volatility(panel, decay=0.99)[:, -1]

    np.testing.assert_allclose(volatility, [0.01, 0.03], rtol=0.15)


def test_one_bad_print_does_not_blind_a_symbol() -> None:
    calm = np.full(100, 0.01) * np.resize([1, -1], 100)
    jump = np.append(calm, [np.log(1000), *calm[:40]])

    volatility = ewma_volatility(of_returns(jump))[0]

    assert volatility[101] < 0.05
    assert volatility[-1] < 0.015


def test_sessions_without_trades_tell_nothing() -> None:
    panel = of_returns(np.full(200, 0.0), volume=0.0)

    assert ewma_volatility(panel, prior=0.02)[0, -1] == pytest.approx(0.02)


def test_a_constant_price_keeps_some_volatility() -> None:
    assert ewma_volatility(of_returns(np.zeros(1000)), prior=0.02)[0, -1] == pytest.approx(0.004)


def test_a_short_history_is_not_taken_to_be_calm() -> None:
    assert ewma_volatility(of_returns([0.0001] * 10), prior=0.02)[0, -1] == pytest.approx(0.02)


def test_ewma_weighs_only_what_is_known() -> None:
    values = np.array([np.nan, 1.0, np.nan, 3.0])[None, None, :]

    means = ewma(values, np.array([0.5]), latest=4)[0, 0]

    assert np.isnan(means[0])
    np.testing.assert_allclose(means[1:], [1.0, 1.0, (0.25 * 1 + 3) / 1.25])


@pytest.mark.parametrize("latest", [300, 200, 64, 1])
def test_ewma_follows_the_recursion_over_any_length(latest: int) -> None:
    random = np.random.default_rng(0)
    values, decays = random.normal(size=(3, 2, 300)), np.array([0.5, 0.9, 0.99])
    total, weight = np.zeros((3, 2)), np.zeros(3)
    expected = []
    for t in range(300):
        total, weight = decays[:, None] * total + values[..., t], decays * weight + 1
        expected.append(total / weight[:, None])

    np.testing.assert_allclose(ewma(values, decays, latest), np.stack(expected, axis=2)[..., -latest:])


def test_few_symbols_and_many_come_out_the_same(make_series: MakeSeries) -> None:
    series = [make_series(f"S{at}", 300, volatility=0.005 * (1 + at % 5)) for at in range(40)]

    together = ewma_volatility(Panel.of(series))

    for at, one in enumerate(series):
        np.testing.assert_array_equal(ewma_volatility(Panel.of([one])), together[at : at + 1])
