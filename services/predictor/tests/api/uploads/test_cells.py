from hypothesis import given
from hypothesis import strategies as st

from closecast_predictor.api.uploads.cells import COMMA, POINT, NumberStyle

CELLS = st.one_of(
    st.floats(1e-6, 1e12).map(lambda number: f"{number:.4f}"),
    st.floats(1e-6, 1e12).map(lambda number: f"{number:,.2f}"),
    st.text(alphabet="0123456789.,+-eE \n", max_size=45),
)


@given(st.lists(CELLS, min_size=1, max_size=5), st.sampled_from([POINT, COMMA]))
def test_cells_read_at_once_are_those_read_one_by_one(cells: list[str], style: NumberStyle) -> None:
    at_once = style.read_plain(cells)

    assert at_once is None or at_once == [style.read(cell) for cell in cells]


def test_plain_cells_are_read_at_once() -> None:
    assert POINT.read_plain(["31.5", "-2", ".5", "+7."]) == [31.5, -2.0, 0.5, 7.0]
    assert COMMA.read_plain(["31,5", "-2", ",5"]) == [31.5, -2.0, 0.5]
    assert POINT.read_plain(["31.5", "1,234.5"]) is None
    assert POINT.read_plain(["31.5", "n/a"]) is None
    assert POINT.read_plain(["31.5", "1\n2"]) is None
