from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from services.predictor.tests.support import quote, quotes_of, sessions_of

from closecast.events import Quote
from closecast.forecasting.panel import Panel
from closecast_predictor.windows import Windows

SYMBOL = "PETR4.SA"
DAYS = sessions_of(SYMBOL, 40)
QUOTES = quotes_of(SYMBOL, 40)


def closes(windows: Windows) -> list[float]:
    series = windows[SYMBOL].series()
    return [float(close) for close in series.close]


@given(st.permutations(QUOTES))
def test_the_order_of_arrival_does_not_matter(quotes: list[Quote]) -> None:
    windows = Windows(100)
    for one in quotes:
        windows.apply(one)

    assert windows.panel((SYMBOL,)).fingerprint() == Panel.from_quotes(QUOTES).fingerprint()


@given(st.permutations(QUOTES), st.integers(1, 50))
def test_the_latest_sessions_are_kept(quotes: list[Quote], capacity: int) -> None:
    windows = Windows(capacity)
    for one in quotes:
        windows.apply(one)

    assert closes(windows) == [one.close for one in QUOTES][-capacity:]


def test_a_repeated_quote_changes_nothing() -> None:
    windows = Windows(100)

    assert [windows.apply(one) for one in (QUOTES[0], QUOTES[0])] == [True, False]


def test_a_higher_revision_replaces_and_a_lower_one_does_not() -> None:
    windows = Windows(100)
    windows.apply(quote(SYMBOL, DAYS[0], 30.0, revision=1))

    assert not windows.apply(quote(SYMBOL, DAYS[0], 29.0, revision=0))
    assert windows.apply(quote(SYMBOL, DAYS[0], 31.0, revision=2))
    assert closes(windows) == [31.0]


def test_a_revision_with_the_same_content_is_no_change() -> None:
    windows = Windows(100)
    windows.apply(quote(SYMBOL, DAYS[0], 30.0))

    assert not windows.apply(quote(SYMBOL, DAYS[0], 30.0, revision=1))


def test_splits_between_two_sessions_multiply() -> None:
    windows = Windows(100)
    for at, split in enumerate((1.0, 2.0, 1.0, 3.0)):
        windows.apply(quote(SYMBOL, DAYS[at], 30.0, split=split))

    assert windows[SYMBOL].shares_since(DAYS[0], DAYS[3]) == 6.0
    assert windows[SYMBOL].shares_since(DAYS[1], DAYS[2]) == 1.0


def test_returns_survive_a_split() -> None:
    windows = Windows(100)
    windows.apply(quote(SYMBOL, DAYS[0], 30.0))
    windows.apply(quote(SYMBOL, DAYS[1], 15.0, split=2.0))

    assert windows[SYMBOL].series().log_return[1] == pytest.approx(0.0)
    assert windows[SYMBOL].last_close == 15.0
    assert windows[SYMBOL].last_session == DAYS[1]


def test_symbols_are_apart() -> None:
    windows = Windows(100)
    for symbol in ("VALE3.SA", "AAPL"):
        for one in quotes_of(symbol, 5):
            windows.apply(one)

    assert windows.symbols == ("AAPL", "VALE3.SA")
    assert (windows["AAPL"].currency, windows["VALE3.SA"].currency) == ("USD", "BRL")
    assert windows["AAPL"].last_session >= date(2024, 1, 8)
    assert np.isnan(windows["AAPL"].series().log_return[0])


def test_a_copy_of_the_latest_sessions_stays_as_it_is() -> None:
    windows = Windows(100)
    for one in QUOTES:
        windows.apply(one)

    copied = windows[SYMBOL].latest(5)
    windows.apply(quote(SYMBOL, DAYS[-1], 99.0, revision=1))

    assert len(copied) == 5
    assert [float(row[3]) for _, row in copied.adjusted()] == [one.close for one in QUOTES[-5:]]


@given(st.lists(st.sampled_from([0.1, 0.5, 1.0, 2.0, 3.0, 10.0]), min_size=2, max_size=20))
def test_adjusted_prices_and_volumes_keep_their_product(splits: list[float]) -> None:
    windows = Windows(100)
    for at, split in enumerate(splits):
        windows.apply(quote(SYMBOL, DAYS[at], 30.0, split=split))
    window = windows[SYMBOL]

    for at, (session, row) in enumerate(window.adjusted()):
        assert session == DAYS[at]
        assert row[3] == pytest.approx(30.0 / window.shares_since(DAYS[at], window.last_session))
        assert row[3] * row[4] == pytest.approx(30.0 * 1000)
