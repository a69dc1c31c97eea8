import json
from pathlib import Path

import pytest
from services.predictor.tests.support import (
    book_of,
    forecast_from,
    latest_sessions,
    quote,
    quotes_of,
    sessions_of,
    write_version,
)

from closecast.events import Quote
from closecast_predictor.book import Book
from closecast_predictor.snapshot import Lineup, Model

BASE = Lineup(Model.base("closecast-panel"))
NEXT = sessions_of("PETR4.SA", 81)[-1]


def waiting_book() -> tuple[Book, Quote]:
    """Return a book with a forecast that was made before the next session closed, and the quote of that session."""
    *days, following = latest_sessions("PETR4.SA", 61)
    quotes = [quote("PETR4.SA", day, 30.0 + at % 5) for at, day in enumerate(days)]
    book = Book(400)
    for event in (forecast_from(quotes), *quotes):
        book.recall(event)
    return book, quote("PETR4.SA", following, 31.0)


def test_only_symbols_that_quotes_changed_are_forecast_again() -> None:
    book = book_of("PETR4.SA", "VALE3.SA")
    book.forecast(BASE, book.symbols)
    before = book.answers

    changed, _ = book.take([quote("PETR4.SA", NEXT, 31.0), quotes_of("VALE3.SA")[-1]])
    made = book.forecast(BASE, changed)

    assert changed == {"PETR4.SA"}
    assert [(one.symbol, one.origin) for one in made] == [("PETR4.SA", NEXT)]
    assert book.answers["VALE3.SA"] is before["VALE3.SA"]
    assert book.answers["PETR4.SA"] != before["PETR4.SA"]


def test_a_close_scores_the_forecast_that_was_waiting_for_it() -> None:
    book, came = waiting_book()

    _, scores = book.take([came])

    assert [(score.session, score.horizon) for score in scores] == [(came.session, 1)]
    assert book.scores()[0].horizons[0].scored == 1


def test_a_correction_is_scored_anew_but_not_counted_again() -> None:
    book, came = waiting_book()
    book.take([came])
    before = book.scores()[0].horizons[0]

    changed, scores = book.take([quote(came.symbol, came.session, 2 * came.close, revision=1)])

    assert (changed, scores) == ({came.symbol}, [])
    after = book.scores()[0].horizons[0]
    assert (before.scored, after.scored) == (1, 1)
    assert after.mape == pytest.approx(0.5, abs=0.05)


def test_a_forecast_from_an_old_session_is_not_scored() -> None:
    book = book_of("PETR4.SA")
    book.forecast(BASE, book.symbols)

    _, scores = book.take([quote("PETR4.SA", NEXT, 31.0)])

    assert scores == []
    horizon = book.scores()[0].horizons[0]
    assert (horizon.scored, horizon.late) == (0, 1)


def test_a_forecast_that_was_published_before_a_restart_is_not_published_again() -> None:
    (published,) = book_of("PETR4.SA").forecast(BASE, ["PETR4.SA"])
    restarted = Book(400)
    restarted.recall(published)
    for one in quotes_of("PETR4.SA"):
        restarted.recall(one)

    assert restarted.forecast(BASE, restarted.symbols) == []
    assert set(restarted.answers) == {"PETR4.SA"}


def test_a_forecast_that_is_only_repeated_keeps_the_time_at_which_it_was_made() -> None:
    book, came = waiting_book()
    (symbol,) = book.symbols

    assert book.forecast(BASE, [symbol]) == []
    _, scores = book.take([came])

    assert len(scores) == 1
    assert json.loads(book.answers[symbol].body(1))["made_at"] < str(came.as_of)


def test_a_forecast_that_cannot_be_scored_does_not_stop_the_start() -> None:
    (published,) = book_of("PETR4.SA").forecast(BASE, ["PETR4.SA"])
    book = Book(400)

    book.recall(published.model_copy(update={"exchange": "NOPE"}))
    for one in quotes_of("PETR4.SA"):
        book.recall(one)

    assert len(book.forecast(BASE, book.symbols)) == 1


def test_scores_of_a_symbol_without_quotes_are_not_known() -> None:
    assert book_of("PETR4.SA").track_record("AAPL") is None


def test_forecasts_of_a_symbol_without_quotes_are_left_alone() -> None:
    (published,) = book_of("PETR4.SA").forecast(BASE, ["PETR4.SA"])
    book = Book(400)
    book.recall(published)

    assert book.symbols == ()
    assert book.forecast(BASE, book.symbols) == []


def test_another_model_says_something_new(tmp_path: Path) -> None:
    book = book_of("PETR4.SA")
    (before,) = book.forecast(BASE, book.symbols)

    (after,) = book.forecast(Lineup(Model.read("closecast-panel", "3", None, write_version(tmp_path))), book.symbols)

    assert (before.version, after.version) == ("base", "3")
    assert after.horizons[0].quantiles[-1] > before.horizons[0].quantiles[-1]
