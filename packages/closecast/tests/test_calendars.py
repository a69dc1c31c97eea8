from datetime import UTC, date, datetime, timedelta

import pytest

from closecast.calendars import calendar_of, calendar_of_symbol, exchange_of

SYMBOLS = (
    *("VALE3.SA", "ASML.AS", "BHP.AX", "GGAL.BA", "TCS.BO", "ABI.BR", "MAERSK-B.CO", "SAP.DE", "NOKIA.HE", "0700.HK"),
    *("005930.KS", "SHEL.L", "EDP.LS", "SAN.MC", "ENI.MI", "WALMEX.MX", "TCS.NS", "EQNR.OL", "AIR.PA", "D05.SI"),
    *("FALABELLA.SN", "VOLV-B.ST", "NESN.SW", "7203.T", "RY.TO", "2330.TW"),
)


@pytest.mark.parametrize(
    ("symbol", "mic", "currency"),
    [("PETR4.SA", "BVMF", "BRL"), ("AAPL", "XNYS", "USD"), ("BRK-B", "XNYS", "USD"), ("SAP.DE", "XETR", "EUR")],
)
def test_exchange_of_a_symbol(symbol: str, mic: str, currency: str) -> None:
    assert exchange_of(symbol) == (mic, currency)


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_every_exchange_that_a_suffix_names_has_a_calendar(symbol: str) -> None:
    now = datetime.now(UTC)
    calendar = calendar_of_symbol(symbol)
    assert calendar.mic != "XNYS"
    assert now.date() - calendar.last_settled(now) < timedelta(days=15)
    assert len(calendar.next_sessions(now.date(), 10)) == 10


def test_b3_keeps_its_own_holidays() -> None:
    b3, new_york = calendar_of("BVMF"), calendar_of("XNYS")
    carnival, thanksgiving = date(2024, 2, 12), date(2024, 11, 28)
    assert not b3.is_session(carnival)
    assert new_york.is_session(carnival)
    assert b3.is_session(thanksgiving)
    assert not new_york.is_session(thanksgiving)


def test_a_session_is_settled_only_after_its_close_and_the_delay() -> None:
    calendar = calendar_of("XNYS")
    session = date(2024, 6, 14)
    close = calendar.closes_at(session)
    assert close == datetime(2024, 6, 14, 20, 0, tzinfo=UTC)
    delay = timedelta(minutes=30)
    assert calendar.last_settled(close + delay, delay) == session
    assert calendar.last_settled(close + delay - timedelta(seconds=1), delay) == date(2024, 6, 13)


def test_half_days_close_early() -> None:
    assert calendar_of("XNYS").closes_at(date(2023, 11, 24)).hour == 18


def test_daylight_saving_moves_the_close_in_utc() -> None:
    calendar = calendar_of("XNYS")
    assert calendar.closes_at(date(2024, 3, 8)).hour == 21
    assert calendar.closes_at(date(2024, 3, 11)).hour == 20


def test_next_sessions_skip_weekends_and_holidays() -> None:
    assert calendar_of("XNYS").next_sessions(date(2013, 3, 27), 2) == (date(2013, 3, 28), date(2013, 4, 1))


def test_sessions_of_a_range_include_both_ends() -> None:
    sessions = calendar_of_symbol("AAPL").sessions(date(2024, 7, 3), date(2024, 7, 5))
    assert sessions == (date(2024, 7, 3), date(2024, 7, 5))


def test_next_close() -> None:
    calendar = calendar_of("XNYS")
    friday = calendar.closes_at(date(2024, 6, 14))
    assert calendar.next_close(friday) == calendar.closes_at(date(2024, 6, 17))


def test_faults_are_named() -> None:
    with pytest.raises(ValueError, match="NOPE"):
        calendar_of("NOPE")
    with pytest.raises(ValueError, match="2024-12-25 is not a session of XNYS"):
        calendar_of("XNYS").closes_at(date(2024, 12, 25))
    with pytest.raises(ValueError, match="XNYS begins on 1980-01-02, after 1970-01-02"):
        calendar_of("XNYS").next_sessions(date(1970, 1, 2), 1)
    with pytest.raises(ValueError, match="ends before"):
        calendar_of("XNYS").next_sessions(date(2024, 1, 1), 1_000_000)
