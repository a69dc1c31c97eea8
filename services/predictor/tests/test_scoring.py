import pytest
from services.predictor.tests.support import book_of, quote, quotes_of, sessions_of

from closecast.events import Forecast
from closecast.horizons import LOWER_80, MEDIAN, UPPER_80
from closecast_predictor.scoring import Scoreboard
from closecast_predictor.snapshot import Model
from closecast_predictor.windows import Windows

SYMBOL = "PETR4.SA"
KNOWN = quotes_of(SYMBOL, 80)
AHEAD = sessions_of(SYMBOL, 95)[80:]


@pytest.fixture
def forecast() -> Forecast:
    (made,) = book_of(SYMBOL).forecast(Model.base("closecast-panel"), [SYMBOL])
    return made


@pytest.fixture
def windows() -> Windows:
    windows = Windows(400)
    for one in KNOWN:
        windows.apply(one)
    return windows


def test_the_close_that_comes_is_compared_with_the_median(forecast: Forecast, windows: Windows) -> None:
    scoreboard = Scoreboard()
    scoreboard.expect(forecast, KNOWN[-1].session)
    came = quote(SYMBOL, AHEAD[0], 33.0)
    windows.apply(came)

    (score,) = scoreboard.close(came, windows[SYMBOL])

    assert (score.horizon, score.session, score.version) == (1, AHEAD[0], "base")
    assert score.error == pytest.approx(abs(forecast.horizons[0].quantiles[MEDIAN] - 33.0) / 33.0)
    assert score.naive_error == pytest.approx(abs(KNOWN[-1].close - 33.0) / 33.0)


@pytest.mark.parametrize(("level", "covered"), [(LOWER_80, True), (MEDIAN, True), (UPPER_80, True), (0, False)])
def test_the_80_percent_interval_covers_or_not(forecast: Forecast, windows: Windows, level: int, covered: bool) -> None:
    scoreboard = Scoreboard()
    scoreboard.expect(forecast, KNOWN[-1].session)
    came = quote(SYMBOL, AHEAD[0], forecast.horizons[0].quantiles[level])
    windows.apply(came)

    (score,) = scoreboard.close(came, windows[SYMBOL])

    assert score.covered is covered


def test_a_split_since_the_forecast_is_no_error(forecast: Forecast, windows: Windows) -> None:
    scoreboard = Scoreboard()
    scoreboard.expect(forecast, KNOWN[-1].session)
    came = quote(SYMBOL, AHEAD[0], forecast.horizons[0].quantiles[MEDIAN] / 4, split=4.0)
    windows.apply(came)

    (score,) = scoreboard.close(came, windows[SYMBOL])

    assert score.error == pytest.approx(0.0)


def test_a_session_is_scored_once_and_later_ones_stay(forecast: Forecast, windows: Windows) -> None:
    scoreboard = Scoreboard()
    scoreboard.expect(forecast, KNOWN[-1].session)
    came = quote(SYMBOL, AHEAD[0], 33.0)
    windows.apply(came)

    assert len(scoreboard.close(came, windows[SYMBOL])) == 1
    assert scoreboard.close(came, windows[SYMBOL]) == []
    assert len(scoreboard) == 9


def test_sessions_that_were_skipped_are_forgotten_unscored(forecast: Forecast, windows: Windows) -> None:
    scoreboard = Scoreboard()
    scoreboard.expect(forecast, KNOWN[-1].session)
    came = quote(SYMBOL, AHEAD[3], 33.0)
    windows.apply(came)

    assert [score.horizon for score in scoreboard.close(came, windows[SYMBOL])] == [4]
    assert len(scoreboard) == 6


def test_a_later_forecast_of_the_same_close_replaces_the_earlier(forecast: Forecast, windows: Windows) -> None:
    scoreboard = Scoreboard()
    scoreboard.expect(forecast, KNOWN[-1].session)
    scoreboard.expect(forecast.model_copy(update={"version": "7"}), KNOWN[-1].session)
    came = quote(SYMBOL, AHEAD[0], 33.0)
    windows.apply(came)

    assert [score.version for score in scoreboard.close(came, windows[SYMBOL])] == ["7"]


def test_horizons_that_are_past_already_are_not_expected(forecast: Forecast) -> None:
    scoreboard = Scoreboard()
    scoreboard.expect(forecast, AHEAD[2])

    assert len(scoreboard) == 7
