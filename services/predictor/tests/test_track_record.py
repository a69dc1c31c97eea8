"""How forecasts have fared, against the same worked out close by close."""

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from services.predictor.tests.support import forecast_from, latest_sessions, quote

from closecast.events import Forecast, Quote
from closecast.horizons import LOWER_80, MEDIAN, UPPER_80
from closecast_predictor.scoring import PastForecast
from closecast_predictor.track_record import HorizonScore, TrackRecord
from closecast_predictor.windows import Window, Windows

SYMBOL = "PETR4.SA"
DAYS = latest_sessions(SYMBOL, 52)
FIRST = 40
"""Sessions before the first origin."""


def window_of(quotes: list[Quote]) -> Window:
    windows = Windows(400)
    for one in quotes:
        windows.apply(one)
    return windows[SYMBOL]


def record_of(forecasts: list[Forecast], quotes: list[Quote]) -> TrackRecord:
    return TrackRecord([PastForecast.of(one) for one in forecasts], window_of(quotes))


def history(closes: list[float], splits: dict[date, float]) -> list[Quote]:
    return [quote(SYMBOL, day, close, split=splits.get(day, 1.0)) for day, close in zip(DAYS, closes, strict=False)]


@given(
    st.lists(st.floats(5.0, 500.0), min_size=len(DAYS), max_size=len(DAYS)),
    st.dictionaries(st.sampled_from(DAYS[FIRST - 3 :]), st.sampled_from([0.1, 2.0, 3.0]), max_size=3),
    st.sets(st.sampled_from(DAYS[FIRST:-1]), max_size=4),
)
@settings(max_examples=60)
def test_scores_are_those_of_each_forecast_and_close(
    closes: list[float], splits: dict[date, float], missing: set[date]
) -> None:
    quotes = history(closes, splits)
    forecasts = [forecast_from(quotes[: at + 1]) for at in range(FIRST, len(quotes) - 1)]
    kept = [one for one in quotes if one.session not in missing]

    scores = record_of(forecasts, kept).scores()

    for score in scores.horizons:
        errors, naive_errors, prices, covered = [], [], [], []
        for forecast in forecasts:
            target = forecast.horizons[score.horizon - 1]
            for came in (one for one in kept if one.session == target.session):
                # What one share of the origin was worth when the session closed.
                worth = came.close * _shares(kept, forecast.origin, came.session)
                later = _shares(kept, forecast.origin, kept[-1].session)
                errors.append(abs(target.quantiles[MEDIAN] - worth) / worth)
                naive_errors.append(abs(forecast.last_close - worth) / worth)
                prices.append(abs(target.quantiles[MEDIAN] - worth) / later)
                covered.append(target.quantiles[LOWER_80] <= worth <= target.quantiles[UPPER_80])
        assert (score.scored, score.late) == (len(errors), 0)
        if errors:
            assert score.mape == pytest.approx(sum(errors) / len(errors))
            assert score.naive_mape == pytest.approx(sum(naive_errors) / len(errors))
            assert score.mae == pytest.approx(sum(prices) / len(errors))
            assert score.coverage_80 == pytest.approx(sum(covered) / len(errors))


def test_forecasts_of_sessions_that_are_no_longer_kept_are_not_told_of() -> None:
    quotes = history([30.0] * len(DAYS), {})
    forecast = forecast_from(quotes[:FIRST])

    outcomes = list(record_of([forecast], quotes[FIRST + 3 :]).outcomes(late=True))

    assert [one.horizon for one in outcomes] == list(range(4, 11))


def test_skill_is_how_much_smaller_the_error_is_than_that_of_naive() -> None:
    quotes = history([30.0 + at % 4 for at in range(FIRST + 2)], {})
    forecast = forecast_from(quotes[:-1])
    ahead = forecast.horizons[0].model_copy(
        update={"quantiles": tuple(quotes[-1].close + 0.1 * level for level in range(-3, 4))}
    )
    better = forecast.model_copy(update={"horizons": (ahead, *forecast.horizons[1:])})

    (score, *others) = record_of([better], quotes).scores().horizons

    assert (score.naive_mape or 0) > 0
    assert [score.mape, score.skill, score.coverage_80] == pytest.approx([0, 1, 1])
    assert others == [HorizonScore(horizon, 0, 0) for horizon in range(2, 11)]


def test_without_an_error_of_naive_there_is_no_skill() -> None:
    quotes = history([30.0] * (FIRST + 2), {})

    score = record_of([forecast_from(quotes[:-1])], quotes).scores().horizons[0]

    assert (score.scored, score.naive_mape, score.skill) == (1, 0.0, None)


def test_late_forecasts_are_counted_apart() -> None:
    quotes = history([30.0 + at % 4 for at in range(len(DAYS))], {})
    late = forecast_from(quotes[:FIRST], timedelta(days=90))

    record = record_of([late, forecast_from(quotes[: FIRST + 1])], quotes)

    first = record.scores().horizons[0]
    assert (first.scored, first.late) == (1, 1)
    assert {one.origin for one in record.outcomes(late=False)} == {DAYS[FIRST]}
    assert {one.origin: one.live for one in record.outcomes(late=True)} == {DAYS[FIRST - 1]: False, DAYS[FIRST]: True}


def test_outcomes_are_told_in_the_shares_of_the_latest_session() -> None:
    quotes = history([30.0] * FIRST + [31.0, 7.8], {DAYS[FIRST + 1]: 4.0})
    forecast = forecast_from(quotes[:FIRST])

    first, second, third = list(record_of([forecast], quotes).outcomes(late=False))[:3]

    assert (first.origin, first.session, first.horizon) == (DAYS[FIRST - 1], DAYS[FIRST], 1)
    assert (first.actual, second.actual, third.actual) == (31.0 / 4, 7.8, None)
    assert first.median == pytest.approx(forecast.horizons[0].quantiles[MEDIAN] / 4)
    assert first.lower_80 < first.median < first.upper_80


def test_a_corrected_close_corrects_the_score() -> None:
    quotes = history([30.0] * (FIRST + 1), {})
    forecast = forecast_from(quotes[:-1])
    corrected = [*quotes[:-1], quote(SYMBOL, DAYS[FIRST], 33.0, revision=1)]

    before, after = (record_of([forecast], one).scores().horizons[0] for one in (quotes, corrected))

    assert (before.scored, after.scored) == (1, 1)
    assert before.mape == pytest.approx(0)
    assert after.mape == pytest.approx(1 / 11)


def test_without_forecasts_nothing_is_scored() -> None:
    record = record_of([], history([30.0] * 3, {}))

    assert [score.scored for score in record.scores().horizons] == [0] * 10
    assert list(record.outcomes(late=True)) == []


def _shares(quotes: list[Quote], origin: date, session: date) -> float:
    shares = 1.0
    for one in quotes:
        shares *= one.split if origin < one.session <= session else 1.0
    return shares
