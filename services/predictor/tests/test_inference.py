from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from services.predictor.tests.support import SKILL, quotes_of, sessions_of, write_version

from closecast.events import Forecast
from closecast.horizons import HORIZONS
from closecast_predictor.inference import forecast_symbols, round_prices
from closecast_predictor.snapshot import Lineup, Model
from closecast_predictor.windows import Windows

BASE = Lineup(Model.base("closecast-panel"))


def windows_of(*symbols: str) -> Windows:
    windows = Windows(400)
    for symbol in symbols:
        for one in quotes_of(symbol):
            windows.apply(one)
    return windows


def test_forecasts_are_valid_events() -> None:
    for made in forecast_symbols(BASE, windows_of("PETR4.SA", "AAPL"), ("PETR4.SA", "AAPL")):
        assert Forecast.from_bytes(made.to_bytes()) == made


def test_each_exchange_has_its_own_sessions() -> None:
    apple, petrobras = forecast_symbols(BASE, windows_of("PETR4.SA", "AAPL"), ("PETR4.SA", "AAPL"))

    assert (petrobras.exchange, apple.exchange) == ("BVMF", "XNYS")
    assert tuple(one.session for one in apple.horizons) == sessions_of("AAPL", 80 + HORIZONS)[80:]
    assert tuple(one.session for one in petrobras.horizons) == sessions_of("PETR4.SA", 80 + HORIZONS)[80:]


def test_a_symbol_is_forecast_from_its_own_quotes_only() -> None:
    alone = forecast_symbols(BASE, windows_of("AAPL"), ("AAPL",))[0]
    among = forecast_symbols(BASE, windows_of("PETR4.SA", "AAPL", "VALE3.SA"), ("PETR4.SA", "AAPL", "VALE3.SA"))[0]

    assert alone.horizons == among.horizons


def test_the_base_speaks_for_a_history_that_no_model_has_seen_the_like_of(tmp_path: Path) -> None:
    panel = Lineup(Model.read("closecast-panel", "3", None, write_version(tmp_path / "panel", log_stretch=0.1)))
    windows = windows_of("AAPL")
    suspended = quotes_of("VALE3.SA")
    for one in suspended[:40] + suspended[65:]:
        windows.apply(one)

    usual, odd = forecast_symbols(panel, windows, ("AAPL", "VALE3.SA"))
    (same,) = forecast_symbols(BASE, windows, ("VALE3.SA",))

    assert (usual.version, usual.skill) == ("3", SKILL)
    assert (odd.model, odd.version, odd.skill) == ("closecast-panel", "base", None)
    assert odd.why == (
        f"the base, because there is no session between {suspended[39].session} and {suspended[65].session}"
    )
    assert odd.horizons == same.horizons


def test_each_symbol_is_forecast_by_the_model_that_speaks_for_it(tmp_path: Path) -> None:
    windows = windows_of("PETR4.SA", "AAPL", "VALE3.SA")
    panel = Model.read("closecast-panel", "3", None, write_version(tmp_path / "panel", log_stretch=0.1))
    own_folder = write_version(tmp_path / "own", log_stretch=-0.1, universe=("PETR4.SA",))
    own = Model.read("closecast-petr4.sa", "1", "PETR4.SA", own_folder)

    among = forecast_symbols(Lineup(panel, {"PETR4.SA": own}), windows, ("PETR4.SA", "AAPL", "VALE3.SA"))
    by_panel = forecast_symbols(Lineup(panel), windows, ("PETR4.SA", "AAPL", "VALE3.SA"))

    assert [(one.symbol, one.model, one.version) for one in among] == [
        ("AAPL", "closecast-panel", "3"),
        ("PETR4.SA", "closecast-petr4.sa", "1"),
        ("VALE3.SA", "closecast-panel", "3"),
    ]
    assert [one.horizons for one in (among[0], among[2])] == [one.horizons for one in (by_panel[0], by_panel[2])]
    assert among[1].horizons[0].quantiles[-1] < by_panel[1].horizons[0].quantiles[-1]
    assert (among[0].why, among[1].why) == (panel.why, own.why)


def test_no_symbols_no_forecasts() -> None:
    assert forecast_symbols(BASE, Windows(10), ()) == []


@given(st.floats(1e-6, 1e12))
def test_rounding_a_price_keeps_eight_digits(price: float) -> None:
    rounded = float(round_prices(np.array(price)))

    assert rounded == pytest.approx(price, rel=1e-7)
    assert len(f"{rounded:.17g}".replace(".", "").lstrip("0").rstrip("0").partition("e")[0]) <= 17
    assert float(f"{rounded:.8g}") == pytest.approx(rounded, rel=1e-15)
