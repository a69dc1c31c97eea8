import pytest
from hypothesis import given
from hypothesis import strategies as st

from closecast.symbols import InvalidSymbolError, parse_symbol


@pytest.mark.parametrize(
    ("text", "symbol"),
    [
        ("AAPL", "AAPL"),
        (" aapl ", "AAPL"),
        ("petr4", "PETR4.SA"),
        ("PETR4.SA", "PETR4.SA"),
        ("B3SA3", "B3SA3.SA"),
        ("TAEE11", "TAEE11.SA"),
        ("AAPL34", "AAPL34.SA"),
        ("^BVSP", "^BVSP"),
        ("BRK-B", "BRK-B"),
        ("0700.HK", "0700.HK"),
        ("BRL=X", "BRL=X"),
    ],
)
def test_canonical_form(text: str, symbol: str) -> None:
    assert parse_symbol(text) == symbol


@pytest.mark.parametrize("text", ["", " ", "../../etc", "A" * 200, "A B", "A/B", "A\x00", "A..B", "PETR4|2024", "ção"])
def test_what_is_no_symbol_is_refused(text: str) -> None:
    with pytest.raises(InvalidSymbolError, match="is not a symbol"):
        parse_symbol(text)


@given(st.text(max_size=40))
def test_a_canonical_symbol_is_safe_and_stays_itself(text: str) -> None:
    try:
        symbol = parse_symbol(text)
    except InvalidSymbolError:
        return
    assert parse_symbol(symbol) == symbol
    assert not set(symbol) & set("/\\|{}\" '\n")
    assert ".." not in symbol
