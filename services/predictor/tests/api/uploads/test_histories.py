import codecs
import io
import string
import tracemalloc
import zipfile
from datetime import date
from typing import Any

import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from services.predictor.tests.support import quotes_of

from closecast_predictor.api.schemas.histories import FIELDS
from closecast_predictor.api.uploads.cells import InvalidCsvError
from closecast_predictor.api.uploads.histories import read_csv
from tests.support.fuzzing import cases

QUOTES = quotes_of("PETR4.SA", 60)
FIRST, SECOND = QUOTES[0].session, QUOTES[1].session


def read(text: str | bytes, most_rows: int = 500) -> list[dict[str, Any]]:
    """Return the sessions of a file, each with the columns that the file has."""
    history = read_csv(text.encode() if isinstance(text, str) else text, most_rows)
    columns = {name: column for name in FIELDS if (column := getattr(history, name)) is not None}
    rows = (dict(zip(columns, cells, strict=True)) for cells in zip(*columns.values(), strict=True))
    return [{name: None if pd.isna(cell) else cell for name, cell in one.items()} for one in rows]


def row(day: date, close: float, **others: float | None) -> dict[str, Any]:
    return {"date": day, "close": close, **others}


@pytest.mark.parametrize(
    "text",
    [
        "Date,Close\n2024-01-02,30.5\n2024-01-03,31\n",
        "date;close\n2024-01-02;30.5\n2024-01-03;31.00\n",
        "Data\tFechamento\n02/01/2024\t30,5\n03/01/2024\t31,00",
        "Data;Último\r\n02.01.2024;30,50\r\n03.01.2024;31,00\r\n",
        "ultimo;data\r30,50;2-1-2024\r31,00;3-1-2024\r",
        "timestamp,Adj Close\n2024-01-02 00:00:00-03:00,30.5\n2024-01-03 00:00:00-03:00,31\n",
        "Datetime,adj_close\n2024-01-02T03:00:00Z,30.5\n2024-01-03T03:00:00Z,31\n",
        "\n  \n,,\nDate, Close\n\n20240102, 30.5\n ,\n20240103, 31\n\n",
        '"Data","Fechamento"\n"02/01/2024","30,5"\n"03/01/2024","31"\n',
        ",Close\n2024-01-02,30.5\n2024-01-03,31\n",
        "Date,Close,\n2024-01-03,31,\n2024-01-02,30.5,\n",
        "Date,Close,Notes\n2024/01/03,31,up\n2024/01/02,30.5\n",
        "Price,Close\nTicker,PETR4.SA\nDate,\n2024-01-02,30.5\n2024-01-03,31\n",
        ",Close\n,PETR4.SA\n2024-01-02,30.5\n2024-01-03,31\n",
        "Date,Price\n01/02/2024,30.5\n01/13/2024,31\n",
    ],
)
def test_the_usual_forms_are_read(text: str) -> None:
    sessions = read(text)

    assert [one["close"] for one in sessions] == [30.5, 31.0]
    assert sessions[0]["date"] == FIRST
    assert sessions[1]["date"] in (SECOND, date(2024, 1, 13))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1", "cp1252", "utf-16"])
def test_encodings(encoding: str) -> None:
    text = "Data;Máxima;Mínima;Último;Vol.\n02/01/2024;31,1;29,9;30,5;41,2M\n03/01/2024;32;30;31;-\n"

    assert read(text.encode(encoding)) == [
        row(FIRST, 30.5, high=31.1, low=29.9, volume=41_200_000.0),
        row(SECOND, 31.0, high=32.0, low=30.0, volume=None),
    ]


@pytest.mark.parametrize(
    ("cells", "numbers"),
    [
        (["1.234,5", "1.250,25"], [1234.5, 1250.25]),
        (["1,234.5", "1,250.25"], [1234.5, 1250.25]),
        (["1234,5", "1.250"], [1234.5, 1250.0]),
        (["1234.5", "1,250"], [1234.5, 1250.0]),
        (["1.234.567", "1.250.000"], [1234567.0, 1250000.0]),
        (["1e3", ".5"], [1000.0, 0.5]),
        (["1.234", "1.250"], [1.234, 1.25]),
    ],
)
def test_thousands_and_decimals_are_told_apart_over_the_whole_file(cells: list[str], numbers: list[float]) -> None:
    assert [one["close"] for one in read("Close;Open\n" + "".join(f"{cell};\n" for cell in cells))] == numbers


def test_what_yahoo_and_pandas_write_is_read() -> None:
    frame = pd.DataFrame(
        {name: [getattr(one, name.lower()) for one in QUOTES] for name in ("Open", "High", "Low", "Close", "Volume")},
        index=pd.DatetimeIndex([one.session for one in QUOTES], name="Date"),
    )
    tickers = pd.concat({"PETR4.SA": frame}, axis=1, names=["Ticker", "Price"]).swaplevel(axis=1)

    for text in (
        frame.to_csv(),
        frame.rename_axis(None).to_csv(),
        frame.to_csv(sep=";", decimal=","),
        tickers.to_csv(),
    ):
        assert read(text) == [
            row(one.session, one.close, open=one.open, high=one.high, low=one.low, volume=float(one.volume))
            for one in QUOTES
        ]


@given(st.permutations(range(20)), st.sampled_from(",;\t"), st.sampled_from(["%Y-%m-%d", "%d/%m/%Y", "%d.%m.%Y"]))
def test_the_order_of_the_rows_does_not_matter(order: list[int], delimiter: str, notation: str) -> None:
    quotes = [QUOTES[at] for at in order]
    text = "".join(f"{one.session.strftime(notation)}{delimiter}{one.close}\n" for one in quotes)

    assert read(f"Date{delimiter}Close\n{text}") == [row(one.session, one.close) for one in QUOTES[:20]]


def test_without_dates_the_order_of_the_file_counts() -> None:
    assert read("Close\n3\n\n1\n2\n") == [{"close": 3.0}, {"close": 1.0}, {"close": 2.0}]


GOOD = "Date,Close,Open\n2024-01-02,30,1\n2024-01-03,31,1\n"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "line 1: has no column Close"),
        ("\n\n", "line 1: has no column Close"),
        (
            "Date,Open\n2024-01-02,3\n",
            "line 1: has no column Close (nor Fechamento, Último, Adj Close), only: Date, Open",
        ),
        ("<html><body>no</body></html>", "has no column Close"),
        ('{"history": [1, 2]}', "has no column Close"),
        (GOOD + "2024-01-04,abc,1", "line 4, column Close: 'abc' is no number"),
        (GOOD + "2024-01-04,,1", "line 4, column Close: is missing"),
        (GOOD + "2024-01-04,null,1", "line 4, column Close: is missing"),
        (GOOD + "2024-01-04,0,1", "line 4, column Close: 0 is not from 1e-09"),
        (GOOD + "2024-01-04,-3,1", "line 4, column Close: -3 is not from 1e-09"),
        (GOOD + "2024-01-04,1e13,1", "line 4, column Close: 1e13 is not from 1e-09 to 1e+12"),
        (GOOD + "2024-01-04,inf,1", "line 4, column Close: 'inf' is no number"),
        (GOOD + "2024-01-04,3,x", "line 4, column Open: 'x' is no number"),
        (GOOD + "2024-01-04," + "9" * 5000 + ",1", f"line 4, column Close: {'9' * 24}… is not from 1e-09 to 1e+12"),
        (GOOD + "2024-13-04,3,1", "line 4, column Date: '2024-13-04' is no date"),
        (GOOD + "yesterday,3,1", "line 4, column Date: 'yesterday' is no date"),
        (GOOD + ",3,1", "line 4, column Date: '' is no date"),
        (GOOD + "2024-01-02,3,1", "line 4, column Date: 2024-01-02 stands in line 2 already"),
        (GOOD + "\n\n2024-01-03,3,1", "line 6, column Date: 2024-01-03 stands in line 3 already"),
        (GOOD + "2024-01-04,3,1,5", "line 4: has 4 cells, the header has 3"),
        (GOOD + '2024-01-04,"3,1', "line 4: unexpected end of data"),
        (GOOD + '2024-01-04,"3"3,1', "line 4: "),
        (GOOD + "2024-01-04,=cmd|' /C calc'!A0,1", "line 4, column Close: \"=cmd|' /C calc'!A0\" is a formula"),
        (GOOD + "=HYPERLINK(1),3,1", "line 4, column Date: '=HYPERLINK(1)' is a formula"),
        ("Date,Close,Notes\n2024-01-02,3,@SUM(A1)\n", "line 2, column Notes: '@SUM(A1)' is a formula"),
        ("=1+1,Close\n3,4\n", "line 1, column =1+1: '=1+1' is a formula"),
        ("Date;Close\n02/01/2024;3,5\n03/01/2024;3.55\n", "line 3, column Close: '3.55' is no number"),
        ("Date;Close\n02/01/2024;3\n2024-01-03;4\n", "line 3, column Date: '2024-01-03' is no date"),
        ("Date,Close,close\n2024-01-02,3,4\n", "line 1, column Close: stands there twice"),
        ("Date,Close,Volume\n2024-01-02,3,1e16\n", "line 2, column Volume: 1e16 is not from 0 to 1e+15"),
        ("Close," + ",".join(f"c{at}" for at in range(9999)), "line 1: has 10000 columns, at most 64 are read"),
        ("Close\n" + ",".join("1" * 10_000) + "\n", "line 2: has 10000 cells, the header has 1"),
        ("x" * 2**19, "line 1: is longer than 262144 characters"),
        ("Close\n1\n\x00\n", "line 3: holds the character U+0000, this is no text"),
        ("\x89PNG\r\n\x1a\n", "line 2: holds the character U+001A, this is no text"),
    ],
)
def test_faults_name_line_and_column(text: str, told: str) -> None:
    with pytest.raises(InvalidCsvError) as refused:
        read(text)

    assert str(refused.value).startswith(told) or told in str(refused.value)


def test_other_files_are_named() -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("quotes.csv", GOOD)

    with pytest.raises(InvalidCsvError, match="this is a ZIP archive or an Excel workbook, not CSV"):
        read_csv(packed.getvalue(), 500)
    with pytest.raises(InvalidCsvError, match="this is a PDF"):
        read_csv(b"%PDF-1.7", 500)


def test_more_sessions_than_are_read_are_refused_at_their_line() -> None:
    with pytest.raises(InvalidCsvError, match="line 12: is that of session 11, at most 10 are read"):
        read("Close\n" + "1\n" * 100_000, most_rows=10)


@pytest.mark.parametrize(
    "line",
    ["1," * 100_000, '"' + "1\n" * 60_000, "1\n" * 300_000, "\n" * 100_000 + "="],
    ids=["row", "cell", "rows", "blank"],
)
def test_memory_is_bounded_by_the_size_of_the_file(line: str) -> None:
    data = ("Close\n" + line).encode()
    tracemalloc.start()
    try:
        with pytest.raises(InvalidCsvError):
            read_csv(data, 500)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 20 * len(data) + 2**20


PLAIN_CELLS = st.sampled_from(["", "30.5", "31", "x", "2024-01-02", "2024-01-03", "02/01/2024", "1e3", "-1"])
PLAIN_FILES = st.lists(st.lists(PLAIN_CELLS, min_size=1, max_size=4), max_size=4)


@given(PLAIN_FILES, st.sampled_from(["Date,Close,Open", "Close", "Open,Close"]))
@example([["2024-01-02", "30.5", "31", "31"], ["2024-01-03", "31"]], "Date,Close,Open")
@example([["2024-01-02", "30.5"]], "Date,Close,Open")
@example([["30.5"], [""], ["31"]], "Close")
def test_a_file_says_the_same_whether_or_not_something_in_it_is_unusual(rows: list[list[str]], titles: str) -> None:
    text = "\n".join([titles, *map(",".join, rows)])

    assert read_or_fault(text) == read_or_fault(f"{text}\n  ")


def read_or_fault(text: str) -> list[dict[str, Any]] | str:
    try:
        return read(text)
    except InvalidCsvError as fault:
        return str(fault)


CELLS = st.text(string.printable + "áÚ€ª\u0660\ufeff", max_size=12) | st.sampled_from(
    ["Close", "Date", "Data", "Último", "Vol.", "2024-01-02", "02/01/2024", "30,5", "1.234,5", "", "-", "=1", '"', "3M"]
)
FILES = st.lists(st.lists(CELLS, max_size=6), max_size=12)


@pytest.mark.fuzz
@given(FILES, st.sampled_from([",", ";", "\t"]), st.sampled_from(["\n", "\r\n", "\r"]), st.binary(max_size=3))
@settings(max_examples=cases(400))
def test_any_file_is_read_or_refused(table: list[list[str]], delimiter: str, end: str, prefix: bytes) -> None:
    data = prefix + end.join(delimiter.join(cells) for cells in table).encode()

    try:
        sessions = read(data, 10)
    except InvalidCsvError as error:
        assert str(error)  # noqa: PT017 - either outcome is right
    else:
        assert all(one["close"] > 0 for one in sessions)
        assert len(sessions) <= 10


@pytest.mark.fuzz
@given(st.binary(max_size=400))
@settings(max_examples=cases(400))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    for file in (data, codecs.BOM_UTF16_LE + data, b"Close\n" + data):
        try:
            sessions = read(file, 10)
        except InvalidCsvError as error:
            assert str(error)  # noqa: PT017 - either outcome is right
        else:
            assert all(one["close"] > 0 for one in sessions)
