"""What holds for every peer."""

import signal

import numpy as np
import pytest
from neuralforecast.models import LSTM
from packages.backtest.tests.folders import changed_after, day, late_series, panel_with

from closecast.forecasting.panel import Panel
from closecast.forecasting.series import Floats, Series
from closecast.horizons import HORIZONS, LEVELS, MEDIAN
from closecast_backtest.peers import PEERS, missing_packages
from closecast_backtest.peers.level import Level
from closecast_backtest.peers.loading import load_peer
from closecast_backtest.peers.neural import Neural
from closecast_backtest.peers.peer import Peer, PeerError, adjusted_closes
from closecast_backtest.plan import make_plan

pytestmark = [
    pytest.mark.filterwarnings("ignore:val_check_steps is greater than max_steps"),  # as few steps as we take here
    pytest.mark.filterwarnings("ignore:.*LeafSpec"),  # Lightning on a newer torch
]

CUT = day(400)
PANEL = panel_with(late_series("LATE", 520, 130, 3))
WITH_INTERVALS = [name for name in PEERS if name != "level"]


def quick(name: str, seed: int = 0) -> Peer:
    """Return a peer that is fitted in a few steps."""
    match name:
        case "lstm":
            return Neural("LSTM", seed=seed, device="cpu", steps=3)
        case "nhits":
            return Neural("NHITS", seed=seed, device="cpu", steps=3)
        case "level":
            return Level(seed=seed, epochs=1)
        case _:
            return load_peer(name)


def forecast(name: str, panel: Panel = PANEL, seed: int = 0) -> Floats:
    return quick(name, seed).forecast(panel, CUT, make_plan(panel, CUT, step=10, horizon=10).origins)


@pytest.mark.parametrize("name", PEERS)
def test_a_peer_is_loaded_by_its_name(name: str) -> None:
    assert type(load_peer(name, device="cpu")) is type(quick(name))


def test_nothing_is_loaded_for_another_name() -> None:
    with pytest.raises(ValueError, match="prophet: no such peer"):
        load_peer("prophet")


@pytest.mark.parametrize("name", WITH_INTERVALS)
def test_quantiles_are_prices_that_ascend(name: str) -> None:
    quantiles = forecast(name)

    assert quantiles.shape[1:] == (HORIZONS, len(LEVELS))
    assert np.isfinite(quantiles).all()
    assert (quantiles > 0).all()
    assert (np.diff(quantiles, axis=2) >= 0).all()


@pytest.mark.parametrize("name", PEERS)
def test_what_comes_after_an_origin_changes_nothing_of_it_and_the_same_seed_gives_the_same(name: str) -> None:
    known_up_to = 450
    before = make_plan(PANEL, CUT, step=10, horizon=10).origins.columns <= known_up_to

    quantiles, others = forecast(name), forecast(name, changed_after(PANEL, known_up_to))

    np.testing.assert_array_equal(quantiles[before], others[before])
    assert (quantiles[~before] != others[~before])[..., MEDIAN].any(), "or the test could not fail"


@pytest.mark.parametrize("name", ["lstm", "nhits", "level"])
def test_another_seed_gives_another_network(name: str) -> None:
    panel = panel_with()

    assert (forecast(name, panel)[..., MEDIAN] != forecast(name, panel, seed=1)[..., MEDIAN]).all()


@pytest.mark.parametrize("name", PEERS)
def test_a_price_that_never_moves_is_forecast_too(name: str) -> None:
    still = Series.from_closes("STILL", PANEL.sessions[0], np.full(PANEL.width, 10.0))

    quantiles = forecast(name, Panel.of([still]))

    assert np.isfinite(quantiles[..., MEDIAN]).all()


def test_a_level_network_knows_no_intervals() -> None:
    quantiles = forecast("level")

    assert np.isfinite(quantiles[..., MEDIAN]).all()
    assert np.isnan(np.delete(quantiles, MEDIAN, axis=2)).all()


def test_a_neural_network_without_a_window_to_train_on_says_so() -> None:
    with pytest.raises(PeerError, match=f"LSTM: no symbol has 40 closes before {day(30)}"):
        quick("lstm").forecast(PANEL, day(30), make_plan(PANEL, CUT, step=10, horizon=10).origins)


def test_closes_are_adjusted_in_the_share_count_at_the_cut() -> None:
    closes = np.array([10.0, 11, 12, 6.5, 6, 13])
    series = Series.from_columns(
        "S",
        session=np.datetime64("2010-01-01") + np.arange(6),
        open=closes,
        high=closes,
        low=closes,
        close=closes,
        volume=1,
        split=[1, 1, 1, 2, 1, 0.5],
        dividend=[0, 0, 0, 0, 0.5, 0],
    )
    late = Series.from_closes("LATE", series.sessions[4:], [3.0, 4.0])

    adjusted = adjusted_closes(Panel.of([series, late]), day(3))

    np.testing.assert_allclose(adjusted[0], [10, 11, 12, 13, 13, 13 * 13 / 12])
    np.testing.assert_allclose(adjusted[1], [np.nan] * 4 + [3, 4])


def test_a_package_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("closecast_backtest.peers.find_spec", lambda _: None)
    assert missing_packages(["ewma", "garch", "lstm", "nhits"]) == ("arch", "neuralforecast")
    assert missing_packages(["ewma", "base", "level"]) == ()


def test_ctrl_c_in_a_neural_network_is_ctrl_c(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(LSTM, "training_step", interrupted)
    handler = signal.getsignal(signal.SIGINT)
    try:
        with pytest.raises(KeyboardInterrupt):
            forecast("lstm")
    finally:
        signal.signal(signal.SIGINT, handler)  # Lightning has it ignored
