"""The real quotes that come with a package."""

from datetime import date
from itertools import pairwise
from math import log

import pytest
from bokeh_sampledata import stocks

from closecast.events import Quote
from closecast_ingestor.settled import Window, prepare
from closecast_ingestor.sources.base import Failure, History
from closecast_ingestor.sources.sample import Sample


def quotes(symbol: str, window: Window) -> list[Quote]:
    (history,) = Sample().histories([symbol], date.min, date.max)
    assert isinstance(history, History)
    prepared = prepare(history, "sample", window)
    assert prepared.rejects == []
    return prepared.quotes


@pytest.mark.parametrize("symbol", Sample().symbols())
def test_every_session_is_there_as_traded(symbol: str, window: Window) -> None:
    columns = getattr(stocks, symbol)
    given = quotes(symbol, window)
    assert [(str(quote.session), quote.close, quote.volume) for quote in given] == list(
        zip(columns["date"], columns["close"], columns["volume"], strict=True)
    )


@pytest.mark.parametrize("symbol", Sample().symbols())
def test_total_returns_are_those_of_the_adjusted_close(symbol: str, window: Window) -> None:
    given, adjusted = quotes(symbol, window), getattr(stocks, symbol)["adj_close"]
    derived = [log(after.split * (after.close + after.dividend) / before.close) for before, after in pairwise(given)]
    expected = [log(after / before) for before, after in pairwise(adjusted)]
    assert derived == pytest.approx(expected, abs=1e-7)


@pytest.mark.parametrize(
    ("symbol", "splits"),
    [
        ("AAPL", {"2000-06-21": 2.0, "2005-02-28": 2.0}),
        ("MSFT", {"2003-02-18": 2.0}),
        ("IBM", {}),
        ("GOOG", {}),
        ("FB", {}),
    ],
)
def test_splits_are_those_of_history(symbol: str, splits: dict[str, float], window: Window) -> None:
    assert {str(quote.session): quote.split for quote in quotes(symbol, window) if quote.split != 1} == splits


def test_dividends_are_those_of_history(window: Window) -> None:
    paid = {str(quote.session): quote.dividend for quote in quotes("AAPL", window) if quote.dividend}
    assert paid == {"2012-08-09": 2.65, "2012-11-07": 2.65, "2013-02-07": 2.65}
    special = {str(quote.session): quote.dividend for quote in quotes("MSFT", window) if quote.dividend > 1}
    assert special == {"2004-11-15": 3.08}


def test_another_symbol_is_refused() -> None:
    (answer,) = Sample().histories(["TSLA"], date.min, date.max)
    assert isinstance(answer, Failure)
    assert "AAPL" in answer.reason
