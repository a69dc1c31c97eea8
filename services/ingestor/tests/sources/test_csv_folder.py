"""Files as Yahoo and yfinance write them, and files that are wrong."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from closecast_ingestor.settled import Window, prepare
from closecast_ingestor.sources.base import Failure, History, SourceError
from closecast_ingestor.sources.csv_folder import CsvFolder

CsvWriter = Callable[..., Path]
YAHOO = "Date,Open,High,Low,Close,Adj Close,Volume"
MONDAY, TUESDAY, WEDNESDAY = (date(2024, 4, day) for day in (1, 2, 3))


def read(folder: Path, symbol: str) -> History:
    (answer,) = CsvFolder(folder).histories([symbol], date.min, date.max)
    assert isinstance(answer, History), answer
    return answer


def failure(folder: Path, symbol: str) -> str:
    (answer,) = CsvFolder(folder).histories([symbol], date.min, date.max)
    assert isinstance(answer, Failure), answer
    return answer.reason


def reasons(history: History) -> list[tuple[int | None, str]]:
    return [(reject.line, reject.reason) for reject in history.rejects]


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param([YAHOO, "2024-04-01,10.5,12,10,11,11,100"], id="as Yahoo writes it"),
        pytest.param(["Date,Close,High,Low,Open,Volume", "2024-04-01,11,12,10,10.5,100"], id="adjusted, other order"),
        pytest.param(["Volume,Low,Date,High,Close,Open", "100,10,2024-04-01,12,11,10.5"], id="date in the middle"),
        pytest.param(
            ["Price,Close,High,Low,Open,Volume", "Ticker,PETR4.SA,PETR4.SA,PETR4.SA,PETR4.SA,PETR4.SA", "Date,,,,,",
             "2024-04-01,11,12,10,10.5,100"],
            id="yfinance's three lines",
        ),
        pytest.param(
            [",Close,High,Low,Open,Volume", "Date,PETR4.SA,PETR4.SA,PETR4.SA,PETR4.SA,PETR4.SA",
             "2024-04-01,11,12,10,10.5,100"],
            id="yfinance's two lines",
        ),
        pytest.param(
            ["Date,Open,High,Low,Close,Volume,Dividends,Stock Splits",
             "2024-04-01 00:00:00-03:00,10.5,12,10,11,100.0,0.0,0.0"],
            id="a history with time zone",
        ),
        pytest.param(['"Date","Open","High","Low","Close","Volume"', '"2024-04-01","10.5","12","10","11","100"'],
                     id="quoted"),
        pytest.param(["\ufeffDate,Open,High,Low,Close,Volume\r", "2024-04-01,10.5,12,10,11,100\r"], id="from Windows"),
    ],
)  # fmt: skip
def test_all_forms_of_a_file_read_alike(write_csv: CsvWriter, lines: list[str]) -> None:
    history = read(write_csv("PETR4", *lines), "PETR4.SA")
    assert history.rejects == []
    (row,) = history.rows
    assert (row.session, row.open, row.high, row.low, row.close, row.volume) == (MONDAY, 10.5, 12, 10, 11, 100)


def test_file_names_are_symbols_with_or_without_the_suffix(write_csv: CsvWriter) -> None:
    folder = write_csv("petr4", YAHOO)
    write_csv("VALE3.SA", YAHOO)
    write_csv("AAPL", YAHOO)
    assert CsvFolder(folder).symbols() == ("AAPL", "VALE3.SA", "PETR4.SA")


def test_two_files_of_one_symbol_are_an_error(write_csv: CsvWriter) -> None:
    folder = write_csv("PETR4", YAHOO)
    write_csv("PETR4.SA", YAHOO)
    with pytest.raises(SourceError, match=r"PETR4\.SA\.csv .* are both PETR4\.SA"):
        CsvFolder(folder).symbols()


def test_a_name_that_is_no_symbol_is_an_error(write_csv: CsvWriter) -> None:
    with pytest.raises(SourceError, match="no symbol"):
        CsvFolder(write_csv("not a symbol", YAHOO)).symbols()


def test_a_missing_folder_and_an_empty_one_say_so(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="is no folder"):
        CsvFolder(tmp_path / "nowhere").symbols()
    with pytest.raises(SourceError, match="holds no SYMBOL"):
        CsvFolder(tmp_path).symbols()


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([""], "line 1: no header"),
        (["2024-04-01,1,2,3,4,5,6"], "line 1: no header"),
        (["Date,Open,High,Low,Volume"], "no Close column"),
        (["Day,Close"], "no Date column"),
        (["Price,Close,Close", "Ticker,AAPL,MSFT", "Date,,", "2024-04-01,1,2"], "line 2: holds several symbols"),
        (["Price,Close", "Ticker,MSFT", "Date,", "2024-04-01,1"], "line 2: holds MSFT, but its name says AAPL"),
        ([YAHOO, *(f"2024-04-{day:02d},1,1,1,1,1,1" for day in (5, 4, 3, 2))], "dates run backwards"),
    ],
)
def test_a_file_that_is_wrong_as_a_whole_fails_its_symbol(
    write_csv: CsvWriter, lines: list[str], expected: str
) -> None:
    reason = failure(write_csv("AAPL", *lines), "AAPL")
    assert "AAPL.csv" in reason
    assert expected in reason


def test_a_symbol_without_a_file_fails_and_the_others_are_read(write_csv: CsvWriter) -> None:
    folder = write_csv("AAPL", YAHOO, "2024-04-01,1,1,1,1,1,1")
    answers = list(CsvFolder(folder).histories(["MSFT", "AAPL"], date.min, date.max))
    assert [type(answer) for answer in answers] == [Failure, History]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("2024-04-02,1,1,1,abc,1,1", "close: could not convert string to float: 'abc'"),
        ("2024-04-02,1,1,1,1,1,many", "volume: could not convert string to float: 'many'"),
        ("2024-04-02,1,1,1,1,1,inf", "volume: cannot convert float infinity to integer"),
        ("02/04/2024,1,1,1,1,1,1", "date: Invalid isoformat string: '02/04/2024'"),
        ("2024-04-0299,1,1,1,1,1,1", "date: '2024-04-0299' is no date like 2024-01-31"),
        ("2024-04-02,1,1,1,1", "line: 5 values, the header names 7"),
        ("2024-04-01,1,1,1,1,1,1", "date: 2024-04-01 stands on line 2 already"),
    ],
)
def test_a_bad_line_is_set_aside_with_field_line_and_bytes(write_csv: CsvWriter, line: str, expected: str) -> None:
    folder = write_csv("AAPL", YAHOO, "2024-04-01,1,1,1,1,1,1", line, "2024-04-03,2,2,2,2,2,2")
    history = read(folder, "AAPL")
    assert reasons(history) == [(3, expected)]
    assert history.rejects[0].original == line.encode()
    assert history.origin == "csv:AAPL.csv"
    assert [row.session for row in history.rows] == [MONDAY, WEDNESDAY]


@pytest.mark.parametrize("wrong", ["2099-04-03", "2003-04-03"])
def test_one_mistyped_year_condemns_no_other_line(write_csv: CsvWriter, wrong: str) -> None:
    days = [f"2024-04-{day:02d}" for day in (1, 2, 3, 4, 5)]
    lines = [f"{day},1,1,1,1,1,1" for day in [*days[:2], wrong, *days[2:]]]
    history = read(write_csv("AAPL", YAHOO, *lines), "AAPL")
    assert [str(row.session) for row in history.rows] == days
    assert reasons(history) == [(4, f"date: {wrong} is out of order")]


def test_bytes_that_are_no_text_are_set_aside(write_csv: CsvWriter) -> None:
    folder = write_csv("AAPL", YAHOO, "2024-04-01,1,1,1,1,1,1")
    with (folder / "AAPL.csv").open("ab") as file:
        file.write(b"\xff\xfe,1\n")
    history = read(folder, "AAPL")
    assert [reject.original for reject in history.rejects] == [b"\xff\xfe,1"]
    assert len(history.rows) == 1


@pytest.mark.parametrize("close", ["0", "-1", "nan", "inf", "-inf", ""])
def test_a_close_that_is_no_price_is_set_aside(write_csv: CsvWriter, window: Window, close: str) -> None:
    folder = write_csv("AAPL", YAHOO, f"2024-04-01,1,1,1,{close},1,1", "2024-04-02,2,2,2,2,2,2")
    prepared = prepare(read(folder, "AAPL"), "csv", window)
    assert [quote.session for quote in prepared.quotes] == [TUESDAY]
    (reject,) = prepared.rejects
    assert reject.reason.startswith("close: ")
    assert (reject.line, reject.session) == (2, MONDAY)


def test_an_adjusted_close_tells_dividends_and_splits(write_csv: CsvWriter, window: Window) -> None:
    """100 -> a dividend of 2 -> a split into 4: as traded 100, 98, 24.5; adjusted for all that."""
    folder = write_csv(
        "AAPL",
        YAHOO,
        "2024-04-01,100,100,100,100,24.50,1000",
        "2024-04-02,98,98,98,98,24.50,1000",
        "2024-04-03,24.5,24.5,24.5,24.5,24.50,4000",
    )
    quotes = prepare(read(folder, "AAPL"), "csv", window).quotes
    assert [(quote.dividend, quote.split) for quote in quotes] == [(0, 1), (pytest.approx(2.0, abs=0.05), 1), (0, 4)]


def test_without_an_adjusted_close_the_prices_are_taken_as_they_are(write_csv: CsvWriter, window: Window) -> None:
    folder = write_csv("AAPL", "Date,Close", "2024-04-01,100", "2024-04-02,25")
    quotes = prepare(read(folder, "AAPL"), "csv", window).quotes
    assert [(quote.open, quote.close, quote.volume, quote.split) for quote in quotes] == [
        (100, 100, 0, 1),
        (25, 25, 0, 1),
    ]
