from datetime import UTC, date, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from closecast.events import Quote
from closecast.forecasting.series import InvalidSeriesError, Series

SESSIONS = (date(2024, 1, 2), date(2024, 1, 3), date(2024, 1, 4))


def quote(session: date, close: float, **changes: object) -> Quote:
    fields = {
        "symbol": "AAPL",
        "session": session,
        "exchange": "XNYS",
        "open": close,
        "high": close,
        "low": close,
        "close": close,
        "adjusted_close": close,
        "volume": 1_000,
        "currency": "USD",
        "source": "test",
        "as_of": datetime(2024, 2, 1, tzinfo=UTC),
    }
    return Quote.model_validate(fields | changes)


def test_returns_are_logarithms_of_consecutive_closes() -> None:
    series = Series.from_quotes([quote(day, close) for day, close in zip(SESSIONS, (10, 11, 12), strict=True)])

    assert np.isnan(series.log_return[0])
    np.testing.assert_allclose(series.log_return[1:], np.log([11 / 10, 12 / 11]))


def test_quotes_may_come_in_any_order() -> None:
    quotes = [quote(day, close) for day, close in zip(SESSIONS, (10, 11, 12), strict=True)]

    series = Series.from_quotes(reversed(quotes))

    assert series.close.tolist() == [10, 11, 12]
    assert series.sessions.astype(object).tolist() == list(SESSIONS)


def test_the_highest_revision_of_a_session_counts() -> None:
    series = Series.from_quotes(
        [
            quote(SESSIONS[0], 10),
            quote(SESSIONS[1], 13, revision=2),
            quote(SESSIONS[1], 11),
            quote(SESSIONS[1], 12, revision=1),
        ]
    )

    assert series.close.tolist() == [10, 13]


@given(ratio=st.sampled_from([0.1, 0.5, 2, 3, 10]), closes=st.lists(st.floats(1, 1e4), min_size=3, max_size=3))
def test_a_split_changes_no_return(ratio: float, closes: list[float]) -> None:
    volume = [100, 100, 100]
    plain = Series.from_columns(
        "A", open=closes, high=closes, low=closes, close=closes, session=SESSIONS, volume=volume
    )
    traded = [closes[0], closes[1] / ratio, closes[2] / ratio]

    split = Series.from_columns(
        "A", open=traded, high=traded, low=traded, close=traded, split=[1, ratio, 1], session=SESSIONS, volume=volume
    )

    np.testing.assert_allclose(split.log_return, plain.log_return, atol=1e-12)
    np.testing.assert_allclose(split.overnight, plain.overnight, atol=1e-12)


def test_a_dividend_is_part_of_the_return() -> None:
    series = Series.from_quotes([quote(SESSIONS[0], 10), quote(SESSIONS[1], 9.5, dividend=0.5)])

    assert series.log_return[1] == pytest.approx(0)


def test_closes_alone_leave_the_rest_unknown() -> None:
    series = Series.from_closes("A", SESSIONS, [10, 11, 12])

    np.testing.assert_allclose(series.log_return[1:], np.log([11 / 10, 12 / 11]))
    assert np.isnan(series.open).all()
    assert np.isnan(series.high).all()
    assert np.isnan(series.volume).all()


def test_a_close_beyond_high_and_low_widens_the_range() -> None:
    series = Series.from_columns("A", session=SESSIONS[:1], open=[10], high=[10], low=[10], close=[12], volume=[1])

    assert (series.low[0], series.high[0]) == (10, 12)


@pytest.mark.parametrize("close", [0.0, -1.0, np.nan, np.inf])
def test_a_close_that_is_no_price_is_refused(close: float) -> None:
    with pytest.raises(InvalidSeriesError, match="close must be finite and above 0"):
        Series.from_closes("A", SESSIONS, [10, close, 11])


@pytest.mark.parametrize("split", [0.0, np.inf])
def test_a_split_that_is_no_ratio_is_refused(split: float) -> None:
    with pytest.raises(InvalidSeriesError, match="split"):
        Series.from_columns("A", session=SESSIONS[:1], open=1, high=1, low=1, close=1, volume=1, split=split)


def test_no_rows_columns_of_other_lengths_and_other_symbols_are_refused() -> None:
    with pytest.raises(InvalidSeriesError, match="no session"):
        Series.from_closes("A", [], [])
    with pytest.raises(InvalidSeriesError, match="shape"):
        Series.from_closes("A", SESSIONS, [1.0, 2.0])
    with pytest.raises(InvalidSeriesError, match="one symbol"):
        Series.from_quotes([quote(SESSIONS[0], 1), quote(SESSIONS[1], 1, symbol="MSFT")])
