import pytest
from services.predictor.tests.support import book_of, quote, quotes_of, sessions_of, write_version

from closecast_predictor.book import Book
from closecast_predictor.snapshot import Model, ModelFiles

BASE = Model.base("closecast-panel")
NEXT = sessions_of("PETR4.SA", 81)[-1]


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
    book = book_of("PETR4.SA")
    book.forecast(BASE, book.symbols)

    _, scores = book.take([quote("PETR4.SA", NEXT, 31.0)])

    assert [(score.session, score.horizon) for score in scores] == [(NEXT, 1)]


def test_a_forecast_that_was_published_before_a_restart_is_not_published_again() -> None:
    (published,) = book_of("PETR4.SA").forecast(BASE, ["PETR4.SA"])
    restarted = Book(400)
    restarted.recall(published)
    for one in quotes_of("PETR4.SA"):
        restarted.recall(one)
    restarted.open()

    assert restarted.forecast(BASE, restarted.symbols) == []
    assert set(restarted.answers) == {"PETR4.SA"}


def test_a_forecast_from_before_a_restart_is_scored_after_it() -> None:
    (published,) = book_of("PETR4.SA").forecast(BASE, ["PETR4.SA"])
    restarted = Book(400)
    restarted.recall(published)
    for one in quotes_of("PETR4.SA"):
        restarted.recall(one)
    restarted.open()

    _, scores = restarted.take([quote("PETR4.SA", NEXT, 31.0)])

    assert len(scores) == 1


def test_forecasts_of_a_symbol_without_quotes_are_left_alone() -> None:
    (published,) = book_of("PETR4.SA").forecast(BASE, ["PETR4.SA"])
    book = Book(400)
    book.recall(published)
    book.open()

    assert book.symbols == ()
    assert book.forecast(BASE, book.symbols) == []


def test_another_model_says_something_new(tmp_path_factory: pytest.TempPathFactory) -> None:
    book = book_of("PETR4.SA")
    (before,) = book.forecast(BASE, book.symbols)
    files = ModelFiles.read("closecast-panel", "3", write_version(tmp_path_factory.mktemp("version")))

    (after,) = book.forecast(files.load(tmp_path_factory.mktemp("loaded")), book.symbols)

    assert (before.version, after.version) == ("base", "3")
    assert after.horizons[0].quantiles > before.horizons[0].quantiles
