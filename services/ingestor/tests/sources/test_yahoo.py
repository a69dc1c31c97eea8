"""The real yfinance code against a local server that speaks Yahoo's API."""

import threading
import time
from datetime import UTC, date, datetime, timedelta

import pytest
from services.ingestor.tests.yahoo_server import Bar, Stock, YahooServer

from closecast_ingestor.settings import YahooSettings
from closecast_ingestor.settled import INCOMPLETE, UNSETTLED, Prepared, Window, prepare
from closecast_ingestor.sources.base import Failure, History
from closecast_ingestor.sources.yahoo import Yahoo

pytestmark = pytest.mark.filterwarnings("ignore:The inplace keyword:DeprecationWarning")  # in yfinance

MONDAY, TUESDAY, WEDNESDAY, THURSDAY, FRIDAY = (date(2024, 4, day) for day in (1, 2, 3, 4, 5))
START = date(2024, 3, 1)


def source(server: YahooServer, stop: threading.Event | None = None, **settings: object) -> Yahoo:
    options = {"url": server.url, "retries": 2, "backoff_s": 0.01, "most_backoff_s": 0.05, **settings}
    return Yahoo(YahooSettings.model_validate(options), stop or threading.Event())


def answers(yahoo: Yahoo, *symbols: str) -> dict[str, History | Failure]:
    return {answer.symbol: answer for answer in yahoo.histories(symbols, START, FRIDAY)}


def one(server: YahooServer, symbol: str, window: Window) -> Prepared:
    history = answers(source(server), symbol)[symbol]
    assert isinstance(history, History), history
    return prepare(history, "yahoo", window)


def test_good_days_become_quotes_with_the_exact_decimals(yahoo_server: YahooServer, window: Window) -> None:
    yahoo_server.stocks["AAPL"] = Stock(
        [
            Bar(MONDAY, 170.03, 46_240_500, 171.19, 171.25, 169.48),
            Bar(TUESDAY, 168.84, 49_329_500, 169.08, 169.34, 168.23),
        ]
    )

    quotes = one(yahoo_server, "AAPL", window).quotes

    assert [(quote.session, quote.close) for quote in quotes] == [(MONDAY, 170.03), (TUESDAY, 168.84)]
    first = quotes[0]
    assert (first.open, first.high, first.low, first.volume) == (171.19, 171.25, 169.48, 46_240_500)
    assert (first.exchange, first.currency, first.source, first.as_of) == ("XNYS", "USD", "yahoo", window.now)


def test_the_range_reaches_to_the_present_whatever_its_end(yahoo_server: YahooServer) -> None:
    yahoo_server.stocks["AAPL"] = Stock([Bar(MONDAY, 170.03)])
    before = datetime.now(UTC).timestamp()
    answers(source(yahoo_server), "AAPL")
    first, last = yahoo_server.spans["AAPL"]
    assert datetime.fromtimestamp(first, UTC).date() == START
    assert last >= before, "a split after the end would be missed"


def test_a_brazilian_ticker_trades_in_its_own_time_zone_and_currency(yahoo_server: YahooServer, window: Window) -> None:
    yahoo_server.stocks["PETR4.SA"] = Stock([Bar(MONDAY, 37.81), Bar(TUESDAY, 38.11)])
    quotes = one(yahoo_server, "PETR4.SA", window).quotes
    assert [quote.session for quote in quotes] == [MONDAY, TUESDAY]
    assert (quotes[0].exchange, quotes[0].currency) == ("BVMF", "BRL")


def test_a_429_is_asked_again_until_it_passes(yahoo_server: YahooServer, window: Window) -> None:
    yahoo_server.stocks["AAPL"] = Stock([Bar(MONDAY, 170.03)])
    yahoo_server.statuses = [429, 429, 429]
    assert [quote.close for quote in one(yahoo_server, "AAPL", window).quotes] == [170.03]
    assert yahoo_server.asked["AAPL"] > 3


@pytest.mark.parametrize("status", [500, 503])
def test_a_server_error_is_asked_again(yahoo_server: YahooServer, window: Window, status: int) -> None:
    yahoo_server.stocks["AAPL"] = Stock([Bar(MONDAY, 170.03)])
    yahoo_server.statuses = [status]
    assert len(one(yahoo_server, "AAPL", window).quotes) == 1


def test_a_429_for_ever_fails_and_spares_yahoo_the_other_batches(yahoo_server: YahooServer) -> None:
    yahoo_server.status = 429
    given = answers(source(yahoo_server, batch_size=2, threads=1), "AAPL", "MSFT", "IBM")
    assert all(isinstance(answer, Failure) for answer in given.values())
    assert "429" in given["AAPL"].reason  # type: ignore[union-attr]
    assert yahoo_server.asked["AAPL"] >= 3
    assert "IBM" not in yahoo_server.asked


def test_a_stop_ends_the_wait_for_the_next_try(yahoo_server: YahooServer) -> None:
    yahoo_server.status = 429
    stop = threading.Event()
    yahoo = source(yahoo_server, stop, retries=20, backoff_s=60, most_backoff_s=600)
    threading.Timer(0.5, stop.set).start()
    began = time.monotonic()
    assert isinstance(answers(yahoo, "AAPL")["AAPL"], Failure)
    assert time.monotonic() - began < 10


def test_an_empty_answer_is_a_failure_not_an_empty_history(yahoo_server: YahooServer) -> None:
    yahoo_server.empty.add("AAPL")
    answer = answers(source(yahoo_server), "AAPL")["AAPL"]
    assert isinstance(answer, Failure)
    assert "no price data" in answer.reason
    assert not answer.unknown
    assert yahoo_server.asked["AAPL"] == 3, "it is asked again, for it often passes"


def test_one_bad_symbol_leaves_the_good_ones_alone(yahoo_server: YahooServer) -> None:
    for symbol in ("AAPL", "MSFT"):
        yahoo_server.stocks[symbol] = Stock([Bar(MONDAY, 170.03)])
    given = answers(source(yahoo_server), "AAPL", "GONE", "MSFT")
    assert [type(answer) for answer in given.values()] == [History, Failure, History]
    assert "may be delisted" in given["GONE"].reason  # type: ignore[union-attr]
    assert given["GONE"].unknown  # type: ignore[union-attr]
    assert yahoo_server.asked["GONE"] <= 2, "Yahoo has said why; asking again would not help"


def test_a_last_bar_without_prices_waits_for_a_later_answer(yahoo_server: YahooServer, window: Window) -> None:
    yahoo_server.stocks["AAPL"] = Stock([Bar(THURSDAY, 168.82), Bar(FRIDAY, None, 37_216_858)])
    prepared = one(yahoo_server, "AAPL", window)
    assert [quote.session for quote in prepared.quotes] == [THURSDAY]
    assert prepared.skipped == {INCOMPLETE: 1}
    assert prepared.rejects == []


def test_a_bar_without_prices_among_others_is_set_aside_with_the_reason(
    yahoo_server: YahooServer, window: Window
) -> None:
    yahoo_server.stocks["AAPL"] = Stock([Bar(WEDNESDAY, 169.65), Bar(THURSDAY, None, 5), Bar(FRIDAY, 169.58)])
    prepared = one(yahoo_server, "AAPL", window)
    assert [quote.session for quote in prepared.quotes] == [WEDNESDAY, FRIDAY]
    (reject,) = prepared.rejects
    assert reject.session == THURSDAY
    assert reject.reason.startswith("close: nan")
    assert b'"Close": null' in reject.original


def test_a_live_bar_is_left_out(yahoo_server: YahooServer, window: Window) -> None:
    yahoo_server.stocks["AAPL"] = Stock([Bar(THURSDAY, 168.82), Bar(FRIDAY, 169.0)])
    history = answers(source(yahoo_server), "AAPL")["AAPL"]
    assert isinstance(history, History)
    while_open = Window(window.start, window.end, datetime(2024, 4, 5, 19, 0, tzinfo=UTC), window.delay)
    prepared = prepare(history, "yahoo", while_open)
    assert [quote.session for quote in prepared.quotes] == [THURSDAY]
    assert prepared.skipped == {UNSETTLED: 1}


def test_a_split_and_a_dividend_come_out_as_on_their_day(yahoo_server: YahooServer, window: Window) -> None:
    """Yahoo shows 150.03 before a later 3:1 split as 50.01 and the 0.90 dividend as 0.30."""
    yahoo_server.stocks["AAPL"] = Stock(
        [Bar(MONDAY, 150.03, 1000), Bar(TUESDAY, 149.0, 2000), Bar(WEDNESDAY, 50.11, 6000), Bar(THURSDAY, 50.0, 6600)],
        dividends={TUESDAY: 0.90, THURSDAY: 0.31},
        splits={WEDNESDAY: (3, 1)},
    )

    quotes = one(yahoo_server, "AAPL", window).quotes

    assert [quote.close for quote in quotes] == pytest.approx([150.03, 149.0, 50.11, 50.0], rel=1e-7)
    assert [quote.volume for quote in quotes] == [1000, 2000, 6000, 6600]
    assert [quote.dividend for quote in quotes] == pytest.approx([0.0, 0.90, 0.0, 0.31])
    assert [quote.split for quote in quotes] == [1.0, 1.0, 3.0, 1.0]


def test_a_split_on_a_day_without_prices_moves_to_the_next_bar(yahoo_server: YahooServer, window: Window) -> None:
    yahoo_server.stocks["AAPL"] = Stock(
        [Bar(MONDAY, 150.0), Bar(TUESDAY, None, 5), Bar(WEDNESDAY, 50.1)], splits={TUESDAY: (3, 1)}
    )
    quotes = one(yahoo_server, "AAPL", window).quotes
    assert [(quote.close, quote.split) for quote in quotes] == [(150.0, 1.0), (50.1, 3.0)]


def test_a_later_split_does_not_look_like_a_correction(yahoo_server: YahooServer, window: Window) -> None:
    """After a split Yahoo rounds the old prices anew; only the ledger's tolerance keeps them from going out again."""
    stock = Stock([Bar(MONDAY, 182.63), Bar(TUESDAY, 181.07)])
    yahoo_server.stocks["AAPL"] = stock
    before = one(yahoo_server, "AAPL", window).quotes
    stock.bars.append(Bar(WEDNESDAY, 60.5))
    stock.splits[WEDNESDAY] = (3, 1)
    after = one(yahoo_server, "AAPL", window).quotes
    assert [quote.content() for quote in before] == [pytest.approx(quote.content(), rel=1e-7) for quote in after[:2]]


def test_the_delay_decides_when_a_session_is_settled(yahoo_server: YahooServer, window: Window) -> None:
    yahoo_server.stocks["AAPL"] = Stock([Bar(THURSDAY, 168.82), Bar(FRIDAY, 169.58)])
    close = datetime(2024, 4, 5, 20, 0, tzinfo=UTC)
    history = answers(source(yahoo_server), "AAPL")["AAPL"]
    assert isinstance(history, History)
    counts = [
        len(prepare(history, "yahoo", Window(window.start, window.end, close + after, timedelta(hours=1))).quotes)
        for after in (timedelta(minutes=59), timedelta(minutes=60))
    ]
    assert counts == [1, 2]
