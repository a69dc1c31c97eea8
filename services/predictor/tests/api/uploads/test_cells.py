from datetime import date

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from closecast_predictor.api.uploads.cells import COMMA, DATES, POINT, NumberStyle, read_plain_dates

CELLS = st.one_of(
    st.floats(1e-6, 1e12).map(lambda number: f"{number:.4f}"),
    st.floats(1e-6, 1e12).map(lambda number: f"{number:,.2f}"),
    st.text(alphabet="0123456789.,+-eE \n", max_size=45),
    st.integers(20, 400).map(lambda digits: "9" * digits),
    st.integers(20, 400).map(lambda digits: f"0.{'3' * digits}"),
)


@given(st.lists(CELLS, min_size=1, max_size=5), st.sampled_from([POINT, COMMA]))
def test_cells_read_at_once_are_those_read_one_by_one(cells: list[str], style: NumberStyle) -> None:
    at_once = style.read_plain(cells)

    assert at_once is None or at_once.tolist() == [style.read(cell) for cell in cells]


def test_plain_cells_are_read_at_once() -> None:
    np.testing.assert_array_equal(POINT.read_plain(["31.5", "-2", "0.5"]), [31.5, -2.0, 0.5])
    np.testing.assert_array_equal(COMMA.read_plain(["31,5", "-2", "0,5"]), [31.5, -2.0, 0.5])
    assert POINT.read_plain(["31.5", "1,234.5"]) is None
    assert POINT.read_plain(["31.5", "n/a"]) is None
    assert POINT.read_plain(["31.5", ""]) is None
    assert POINT.read_plain(["31.5", "1\n2"]) is None


DAYS = st.one_of(st.dates().map(str), st.text(alphabet="0123456789-/ \n", max_size=12))


@given(st.lists(DAYS, min_size=1, max_size=5))
def test_days_read_at_once_are_those_read_one_by_one(cells: list[str]) -> None:
    at_once = read_plain_dates(cells)

    assert at_once is None or at_once == [DATES[0].read(cell) for cell in cells]


def test_plain_days_are_read_at_once() -> None:
    assert read_plain_dates(["2024-01-02", "2024-01-03"]) == [date(2024, 1, 2), date(2024, 1, 3)]
    assert read_plain_dates(["2024-01-02", "2024-02-30"]) is None
    assert read_plain_dates(["2024-01-02", "02/01/2024"]) is None
