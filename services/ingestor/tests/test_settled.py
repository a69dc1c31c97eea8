"""Which rows become quotes."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from closecast_ingestor.settled import NO_TRADE, UNSETTLED, Window, prepare
from closecast_ingestor.sources.base import History, Row

NAN = float("nan")
FRIDAY, MONDAY = date(2024, 4, 5), date(2024, 4, 8)


def row(session: date, close: float = 10.0, **fields: float) -> Row:
    values: dict[str, Any] = {"open": close, "high": close, "low": close, "adjusted_close": close, "volume": 5} | fields
    return Row(session=session, close=close, original=f"{session}".encode(), **values)


def history(*rows: Row, symbol: str = "AAPL") -> History:
    return History(symbol, origin="test", rows=list(rows))


@pytest.mark.parametrize(
    ("session", "reason"),
    [
        (date(2024, 3, 29), "session: 2024-03-29 is no session of XNYS"),
        (date(2024, 3, 30), "session: 2024-03-30 is no session of XNYS"),
        (date(2031, 1, 2), "session: 2031-01-02 lies in the future"),
    ],
)
def test_a_holiday_a_weekend_and_the_future_are_refused(window: Window, session: date, reason: str) -> None:
    prepared = prepare(history(row(FRIDAY), row(session)), "test", window)
    assert [quote.session for quote in prepared.quotes] == [FRIDAY]
    assert [reject.reason for reject in prepared.rejects] == [reason]


def test_a_brazilian_holiday_is_one_only_in_brazil(window: Window) -> None:
    carnival = date(2024, 2, 12)
    assert len(prepare(history(row(carnival)), "test", window).quotes) == 1
    assert prepare(history(row(carnival), symbol="PETR4.SA"), "test", window).quotes == []


def test_today_before_its_close_is_left_out_without_fault(window: Window) -> None:
    noon = Window(window.start, window.end, datetime(2024, 4, 8, 16, 0, tzinfo=UTC), window.delay)
    prepared = prepare(history(row(FRIDAY), row(MONDAY)), "test", noon)
    assert [quote.session for quote in prepared.quotes] == [FRIDAY]
    assert (prepared.skipped, prepared.rejects) == ({UNSETTLED: 1}, [])


def test_a_half_day_is_settled_after_its_early_close(window: Window) -> None:
    half_day = date(2023, 11, 24)  # closes 13:00 in New York, 18:00 UTC
    just_after = Window(window.start, window.end, datetime(2023, 11, 24, 19, 1, tzinfo=UTC), timedelta(hours=1))
    assert len(prepare(history(row(half_day)), "test", just_after).quotes) == 1


@pytest.mark.parametrize("close", [0.0, -1.0, NAN, float("inf"), float("-inf")])
def test_a_close_that_is_no_price_is_refused_and_nothing_else(window: Window, close: float) -> None:
    rows = (row(date(2024, 4, 3)), row(date(2024, 4, 4), close), row(FRIDAY))
    prepared = prepare(history(*rows), "test", window)
    assert [quote.session for quote in prepared.quotes] == [date(2024, 4, 3), FRIDAY]
    (reject,) = prepared.rejects
    assert reject.reason.startswith(f"close: {close}")
    assert reject.original == b"2024-04-04"


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"open": NAN}, "open: "),
        ({"high": -1.0}, "high: "),
        ({"low": 11.0}, "low: 11.0 lies above high 10.0"),
        ({"volume": -5}, "volume: "),
        ({"adjusted_close": 0.0}, "adjusted_close: "),
    ],
)
def test_every_bad_field_is_named(window: Window, fields: dict[str, float], reason: str) -> None:
    prepared = prepare(history(row(date(2024, 4, 4), **fields), row(FRIDAY)), "test", window)
    assert [quote.session for quote in prepared.quotes] == [FRIDAY]
    assert reason in prepared.rejects[0].reason


def test_a_day_without_any_trade_is_left_out_without_fault(window: Window) -> None:
    empty = row(date(2024, 4, 4), NAN, volume=0)
    prepared = prepare(history(empty, row(FRIDAY)), "test", window)
    assert (prepared.skipped, prepared.rejects) == ({NO_TRADE: 1}, [])


def test_actions_of_a_refused_row_move_to_the_next(window: Window) -> None:
    refused = row(date(2024, 4, 4), NAN, dividend=3.0, split=2.0)
    after = row(FRIDAY, 5.0, dividend=0.5, split=3.0)
    (quote,) = prepare(history(refused, after), "test", window).quotes
    assert quote.split == 6.0
    assert quote.dividend == pytest.approx(0.5 + 3.0 / 3.0), "three new shares share what one was paid"


def test_only_the_window_is_returned_and_reported(window: Window) -> None:
    narrow = Window(FRIDAY, FRIDAY, window.now, window.delay)
    rows = (row(date(2024, 3, 29)), row(date(2024, 4, 4)), row(FRIDAY))
    prepared = prepare(history(*rows), "test", narrow)
    assert [quote.session for quote in prepared.quotes] == [FRIDAY]
    assert prepared.rejects == []
