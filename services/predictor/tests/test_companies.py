import pytest

from closecast.symbols import parse_symbol
from closecast_predictor.companies import DEFAULT_COMPANIES, Companies, UnknownCompanyError

COMPANIES = Companies(DEFAULT_COMPANIES)


@pytest.mark.parametrize(
    ("text", "symbol"),
    [
        ("Petrobras", "PETR4.SA"),
        ("petr4", "PETR4.SA"),
        ("PETR4.SA", "PETR4.SA"),
        ("Itaú Unibanco", "ITUB4.SA"),
        ("itau unibanco", "ITUB4.SA"),
        ("ITAU-UNIBANCO ", "ITUB4.SA"),
        ("itau\u0301", "ITUB4.SA"),
        ("itaúsa", "ITSA4.SA"),
        ("banco  do brasil", "BBAS3.SA"),
        ("btg", "BPAC11.SA"),
        ("sanb11", "SANB11.SA"),
    ],
)
def test_a_company_is_found_under_all_spellings(text: str, symbol: str) -> None:
    assert COMPANIES.symbol_of(text) == symbol


@pytest.mark.parametrize("text", ["Apple", "AAPL", "", "   ", "🦆", "../../etc", "PETR3", "A" * 200])
def test_who_is_not_listed_is_told_who_is(text: str) -> None:
    with pytest.raises(UnknownCompanyError) as told:
        COMPANIES.symbol_of(text)
    assert str(told.value).count(".SA") == 10
    assert "Itaú Unibanco (ITUB4.SA)" in str(told.value)


def test_the_default_are_ten_companies_under_canonical_symbols() -> None:
    symbols = set(DEFAULT_COMPANIES.values())
    assert len(symbols) == 10
    assert {parse_symbol(symbol) for symbol in symbols} == symbols
