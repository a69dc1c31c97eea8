from datetime import timedelta

import pytest
from services.predictor.tests.support import forecast_from, latest_sessions, quote

from closecast.events import Forecast, Quote
from closecast.horizons import LOWER_80, MEDIAN, UPPER_80
from closecast_predictor.scoring import PastForecast, Score, Scoreboard
from closecast_predictor.windows import Windows

SYMBOL = "PETR4.SA"
DAYS = latest_sessions(SYMBOL, 60)
KNOWN, AHEAD = DAYS[:45], DAYS[45:]
QUOTES = [quote(SYMBOL, day, 30.0 + at % 5) for at, day in enumerate(KNOWN)]


@pytest.fixture(scope="module")
def forecast() -> Forecast:
    return forecast_from(QUOTES)


@pytest.fixture
def windows() -> Windows:
    windows = Windows(400)
    for one in QUOTES:
        windows.apply(one)
    return windows


def scores_of(scoreboard: Scoreboard, windows: Windows, came: Quote) -> list[Score]:
    windows.apply(came)
    return list(scoreboard.close(came, windows[SYMBOL]))


def test_the_close_that_comes_is_compared_with_the_median(forecast: Forecast, windows: Windows) -> None:
    scoreboard = Scoreboard()
    scoreboard.note(forecast)

    (score,) = scores_of(scoreboard, windows, quote(SYMBOL, AHEAD[0], 33.0))

    assert (score.horizon, score.session, score.version) == (1, AHEAD[0], "base")
    assert score.error == pytest.approx(abs(forecast.horizons[0].quantiles[MEDIAN] - 33.0) / 33.0)
    assert score.naive_error == pytest.approx(abs(QUOTES[-1].close - 33.0) / 33.0)


@pytest.mark.parametrize(("level", "covered"), [(LOWER_80, True), (MEDIAN, True), (UPPER_80, True), (0, False)])
def test_the_80_percent_interval_covers_or_not(forecast: Forecast, windows: Windows, level: int, covered: bool) -> None:
    scoreboard = Scoreboard()
    scoreboard.note(forecast)

    (score,) = scores_of(scoreboard, windows, quote(SYMBOL, AHEAD[0], forecast.horizons[0].quantiles[level]))

    assert score.covered is covered


def test_the_latest_scores_are_those_that_each_close_gave(windows: Windows) -> None:
    scoreboard, quotes, given = Scoreboard(), list(QUOTES), []
    for at, day in enumerate(AHEAD):
        scoreboard.note(forecast_from(quotes))
        split = 4.0 if at == 5 else 1.0
        quotes.append(quote(SYMBOL, day, (31.0 + at % 3) / (4.0 if at >= 5 else 1.0), split=split))
        given += [one for one in scores_of(scoreboard, windows, quotes[-1]) if one.horizon == 1]
    scoreboard.note(forecast_from(quotes))

    latest = scoreboard.latest(windows[SYMBOL], 10)

    assert [(one.session, one.model, one.covered) for one in latest] == [
        (one.session, "closecast-panel", one.covered) for one in given[-10:]
    ]
    assert [one.error for one in latest] == pytest.approx([one.error for one in given[-10:]])
    assert [one.naive_error for one in latest] == pytest.approx([one.naive_error for one in given[-10:]])
    assert scoreboard.latest(windows[SYMBOL], 100)[-10:] == latest


def test_the_latest_scores_go_by_the_quotes_that_there_are_now(forecast: Forecast, windows: Windows) -> None:
    scoreboard = Scoreboard()
    scoreboard.note(forecast)
    windows.apply(quote(SYMBOL, AHEAD[0], 99.0))
    windows.apply(quote(SYMBOL, AHEAD[0], 33.0, revision=1))

    (score,) = scoreboard.latest(windows[SYMBOL], 10)

    assert score.naive_error == pytest.approx(abs(QUOTES[-1].close - 33.0) / 33.0)


def test_what_was_not_forecast_live_is_not_among_the_latest_scores(windows: Windows) -> None:
    scoreboard = Scoreboard()
    assert scoreboard.latest(windows[SYMBOL], 10) == []

    scoreboard.note(forecast_from(QUOTES, timedelta(days=30)))
    windows.apply(quote(SYMBOL, AHEAD[0], 33.0))

    assert scoreboard.latest(windows[SYMBOL], 10) == []


def test_a_split_since_the_forecast_is_no_error(forecast: Forecast, windows: Windows) -> None:
    scoreboard = Scoreboard()
    scoreboard.note(forecast)
    close = forecast.horizons[0].quantiles[MEDIAN] / 4

    (score,) = scores_of(scoreboard, windows, quote(SYMBOL, AHEAD[0], close, split=4.0))

    assert score.error == pytest.approx(0.0)


def test_every_forecast_of_a_session_is_scored_at_its_horizon(windows: Windows) -> None:
    scoreboard = Scoreboard()
    quotes = list(QUOTES)
    for day in AHEAD[:11]:
        scoreboard.note(forecast_from(quotes))
        quotes.append(quote(SYMBOL, day, 31.0))
        windows.apply(quotes[-1])

    scores = list(scoreboard.close(quotes[-1], windows[SYMBOL]))

    assert sorted(score.horizon for score in scores) == list(range(1, 11))


def test_a_session_that_was_skipped_is_scored_when_it_comes(forecast: Forecast, windows: Windows) -> None:
    scoreboard = Scoreboard()
    scoreboard.note(forecast)

    assert [score.horizon for score in scores_of(scoreboard, windows, quote(SYMBOL, AHEAD[3], 33.0))] == [4]
    assert [score.horizon for score in scores_of(scoreboard, windows, quote(SYMBOL, AHEAD[1], 33.0))] == [2]


def test_a_later_forecast_from_the_same_session_replaces_the_earlier(forecast: Forecast, windows: Windows) -> None:
    scoreboard = Scoreboard()
    scoreboard.note(forecast)
    scoreboard.note(forecast.model_copy(update={"version": "7"}))

    assert [score.version for score in scores_of(scoreboard, windows, quote(SYMBOL, AHEAD[0], 33.0))] == ["7"]


def test_a_forecast_made_after_a_session_had_closed_does_not_count_for_it(windows: Windows) -> None:
    after_the_second = timedelta(seconds=1) + (_closes(1) - _closes(-1))
    scoreboard = Scoreboard()
    scoreboard.note(forecast_from(QUOTES, after_the_second))

    assert scores_of(scoreboard, windows, quote(SYMBOL, AHEAD[0], 33.0)) == []
    assert scores_of(scoreboard, windows, quote(SYMBOL, AHEAD[1], 33.0)) == []
    assert [one.horizon for one in scores_of(scoreboard, windows, quote(SYMBOL, AHEAD[2], 33.0))] == [3]


def test_a_forecast_made_at_the_last_moment_counts(windows: Windows) -> None:
    scoreboard = Scoreboard()
    scoreboard.note(forecast_from(QUOTES, _closes(0) - _closes(-1) - timedelta(seconds=1)))

    assert len(scores_of(scoreboard, windows, quote(SYMBOL, AHEAD[0], 33.0))) == 1


def test_forecasts_older_than_the_days_are_forgotten(forecast: Forecast) -> None:
    scoreboard = Scoreboard(days=30)
    old = forecast.model_copy(update={"made_at": scoreboard.since - timedelta(seconds=1), "origin": DAYS[0]})
    scoreboard.note(old)

    assert scoreboard.forecasts(SYMBOL) == []
    scoreboard.note(forecast)
    assert [one.origin for one in scoreboard.forecasts(SYMBOL)] == [forecast.origin]
    assert scoreboard._made[SYMBOL].keys() == {forecast.origin}


def test_forecasts_stand_in_the_order_of_their_origins(forecast: Forecast) -> None:
    scoreboard = Scoreboard()
    for origin in (DAYS[40], DAYS[42], DAYS[41]):
        scoreboard.note(forecast.model_copy(update={"origin": origin}))

    assert [one.origin for one in scoreboard.forecasts(SYMBOL)] == [DAYS[40], DAYS[41], DAYS[42]]


@pytest.mark.parametrize(
    ("changes", "told"), [({"horizons": ()}, "horizons: are not 1 to 10"), ({"exchange": "NOPE"}, "NOPE")]
)
def test_a_forecast_that_cannot_be_scored_is_refused(forecast: Forecast, changes: dict[str, str], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        PastForecast.of(forecast.model_copy(update=changes))


def _closes(ahead: int) -> timedelta:
    """Return when a session closes, counted from that of the first one ahead."""
    from closecast.calendars import calendar_of_symbol

    calendar = calendar_of_symbol(SYMBOL)
    return calendar.closes_at(DAYS[45 + ahead]) - calendar.closes_at(AHEAD[0])
