import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from closecast.events import ModelName
from closecast.model_names import ModelNames
from closecast.symbols import InvalidSymbolError, parse_symbol

NAMES = ModelNames("closecast-panel")


def canonical(text: str) -> str | None:
    try:
        return parse_symbol(text)
    except InvalidSymbolError:
        return None


SYMBOLS = st.text("ABPRST0345689.^=-", min_size=1, max_size=15).map(canonical).filter(lambda symbol: symbol is not None)


@pytest.mark.parametrize(
    ("symbol", "name"),
    [
        ("PETR4.SA", "closecast-petr4.sa"),
        ("AAPL", "closecast-aapl"),
        ("BRK-B", "closecast-brk-b"),
        ("^BVSP", "closecast-_5ebvsp"),
        ("BRL=X", "closecast-brl_3dx"),
        ("PANEL", "closecast-panel_"),
    ],
)
def test_a_symbol_has_a_name_and_the_name_has_that_symbol(symbol: str, name: str) -> None:
    assert NAMES.own(symbol) == name
    assert NAMES.symbol_of(name) == symbol


@given(SYMBOLS, st.sampled_from(["closecast-panel", "panel", "a-b-panel", "t" * 63]))
def test_every_symbol_has_a_valid_name_of_its_own(symbol: str, panel: str) -> None:
    names = ModelNames(panel)
    name = TypeAdapter(ModelName).validate_python(names.own(symbol))

    assert names.symbol_of(name) == symbol
    assert name.startswith(names.pattern.removesuffix("%"))
    assert name != panel


@pytest.mark.parametrize("name", ["closecast-panel", "another", "closecast-", "closecast-PETR4.SA", "closecast-petr4"])
def test_other_names_are_of_no_symbol(name: str) -> None:
    assert NAMES.symbol_of(name) is None


@pytest.mark.parametrize(
    ("name", "symbols", "reason"),
    [
        ("closecast-panel", ["PETR4.SA"], "is called closecast-petr4.sa"),
        ("another", ["PETR4.SA", "PETR4.SA"], "is called closecast-petr4.sa"),
        ("closecast-petr4.sa", ["VALE3.SA"], "is the model of PETR4.SA alone"),
        ("closecast-petr4.sa", [], "is the model of PETR4.SA alone"),
        ("closecast-petr4.sa", ["PETR4.SA", "VALE3.SA"], "is the model of PETR4.SA alone"),
    ],
)
def test_a_model_of_one_symbol_and_a_model_of_many_do_not_share_a_name(
    name: str, symbols: list[str], reason: str
) -> None:
    assert reason in str(NAMES.mismatch(name, symbols))


@pytest.mark.parametrize(
    ("name", "symbols"),
    [
        ("closecast-panel", []),
        ("closecast-panel", ["PETR4.SA", "VALE3.SA"]),
        ("closecast-petr4.sa", ["PETR4.SA"]),
        ("another", ["PETR4.SA", "VALE3.SA"]),
    ],
)
def test_names_that_fit_are_left_alone(name: str, symbols: list[str]) -> None:
    assert NAMES.mismatch(name, symbols) is None
