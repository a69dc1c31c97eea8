"""Quotes to test with: made ones for speed, and the real ones that a package ships."""

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from bokeh_sampledata import stocks

from closecast.calendars import calendar_of
from closecast.events import Quote
from closecast_trainer.history import History

MakeQuotes = Callable[..., list[Quote]]


@pytest.fixture(scope="session")
def make_quotes() -> MakeQuotes:
    """Return what makes quotes of a random walk: one a session, for each symbol."""

    def make(*symbols: str, start: date = date(2010, 1, 1), sessions: int = 30, revision: int = 0) -> list[Quote]:
        random = np.random.default_rng(7)
        days = calendar_of("XNYS").next_sessions(start, sessions)
        return [
            Quote(
                symbol=symbol,
                session=day,
                exchange="XNYS",
                open=close,
                high=close * 1.01,
                low=close * 0.99,
                close=close,
                adjusted_close=close,
                volume=1000,
                currency="USD",
                source="test",
                revision=revision,
                as_of="2020-01-01T00:00:00Z",
            )
            for symbol in symbols
            for day, close in zip(days, 100 * np.exp(random.normal(0, 0.01, sessions).cumsum()), strict=True)
        ]

    return make


@pytest.fixture(scope="session")
def sample_quotes() -> list[Quote]:
    """Return real quotes of three stocks, 2009 to March 2013."""
    return [
        Quote(
            symbol=symbol,
            session=day,
            exchange="XNYS",
            open=rows["open"][row],
            high=rows["high"][row],
            low=rows["low"][row],
            close=rows["close"][row],
            adjusted_close=rows["adj_close"][row],
            volume=rows["volume"][row],
            currency="USD",
            source="sample",
            as_of="2014-01-01T00:00:00Z",
        )
        for symbol, rows in (("AAPL", stocks.AAPL), ("IBM", stocks.IBM), ("MSFT", stocks.MSFT))
        for row, day in enumerate(rows["date"])
        if day >= "2009"
    ]


@pytest.fixture
def history(tmp_path: Path) -> Iterator[History]:
    """Return an empty history."""
    opened = History(tmp_path / "history")
    yield opened
    opened.close()
