from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from closecast.forecasting.base import BaseForecaster
from closecast.forecasting.bundle import Bundle
from closecast.forecasting.panel import Panel
from closecast.forecasting.series import Series
from closecast.forecasting.spec import ModelSpec
from closecast.forecasting.unfamiliar import LARGEST_MOVE, LONGEST_GAP, LONGEST_STILL
from closecast.horizons import MEDIAN

MakeBundle = Callable[[ModelSpec, float], Path]

CLOSES = 50 * np.exp(np.cumsum(0.02 * np.random.default_rng(0).standard_normal(300)))
DAYS = np.datetime64("2020-01-01") + np.arange(300)


def history(closes: np.ndarray = CLOSES, days: np.ndarray = DAYS) -> Series:
    return Series.from_closes("A", days.astype(object).tolist(), closes)


def since(at: int, days: int) -> np.ndarray:
    """Return days that stand still for a while before one of them."""
    return DAYS + np.where(np.arange(300) >= at, days - 1, 0)


def leap(at: int, factor: float) -> np.ndarray:
    """Return closes that are multiplied from one on, which does not move by itself."""
    closes = np.concatenate([CLOSES[:at], CLOSES[at - 1 : -1]])
    return closes * np.where(np.arange(300) >= at, factor, 1)


def still(sessions: int) -> np.ndarray:
    return np.concatenate([CLOSES[:-sessions], np.full(sessions, CLOSES[-sessions - 1])])


@pytest.mark.parametrize(
    ("odd", "reason"),
    [
        (history(CLOSES[-10:], DAYS[-10:]), "the history has 10 sessions, the model needs 100"),
        (history(leap(250, 1000)), "the close 49 sessions ago is 1000 times the one before"),
        (history(leap(250, 0.001)), "the close 49 sessions ago is 0.001 times the one before"),
        (history(still(LONGEST_STILL)), "the close has not moved in 20 sessions"),
        (history(np.full(300, 10.0)), "the close has not moved in 20 sessions"),
        (history(days=since(280, 40)), "there is no session between 2020-10-06 and 2020-11-15"),
    ],
)
def test_the_base_speaks_for_what_no_network_has_seen(
    odd: Series, reason: str, spec: ModelSpec, make_bundle: MakeBundle
) -> None:
    bundle = Bundle.load(make_bundle(spec, 0.1))
    panel = Panel.of([history(), odd])

    forecast = bundle.forecast(panel)

    base = BaseForecaster(spec.base).forecast(panel.tail(spec.context))
    assert bundle.unfamiliar(panel) == {1: reason}
    np.testing.assert_allclose(forecast[1], base[1])
    assert not np.allclose(forecast[0], base[0])
    assert np.isfinite(forecast).all()


@pytest.mark.parametrize(
    "usual",
    [
        history(leap(250, 0.95 * LARGEST_MOVE)),
        history(still(LONGEST_STILL - 1)),
        history(days=since(280, LONGEST_GAP)),
        history(days=since(230, 400)),
    ],
    ids=["a fall or a rise", "a quiet month", "a long holiday", "a suspension that the sequence no longer reaches"],
)
def test_the_network_speaks_for_what_markets_do(usual: Series, spec: ModelSpec, make_bundle: MakeBundle) -> None:
    assert Bundle.load(make_bundle(spec, 0.1)).unfamiliar(Panel.of([usual])) == {}


def test_a_split_is_no_leap(spec: ModelSpec, make_bundle: MakeBundle) -> None:
    closes = CLOSES / np.where(np.arange(300) >= 250, 1000, 1)
    split = Series.from_columns(
        "A",
        session=DAYS,
        open=closes,
        high=closes,
        low=closes,
        close=closes,
        volume=np.full(300, 1000),
        split=np.where(np.arange(300) == 250, 1000.0, 1.0),
    )

    assert Bundle.load(make_bundle(spec, 0.1)).unfamiliar(Panel.of([split])) == {}


def test_a_leap_widens_the_interval_around_the_close_after_it(spec: ModelSpec, make_bundle: MakeBundle) -> None:
    panel = Panel.of([history(), history(leap(290, 1000))])

    usual, odd = Bundle.load(make_bundle(spec, 0.1)).forecast(panel)

    assert odd[0, MEDIAN] == pytest.approx(panel.last_close[1])
    assert np.log(odd[0, -1] / odd[0, 0]) > 2 * np.log(usual[0, -1] / usual[0, 0])
