from pathlib import Path

import numpy as np
import pytest
from packages.backtest.tests.folders import DAYS, HEADER, lines_of, walk_of, write_csv, write_folder

from closecast_backtest.quotes import read_quotes
from closecast_ingestor.sources.base import SourceError
from closecast_ingestor.sources.csv_folder import CsvFolder


def test_a_panel_holds_what_the_files_do(tmp_path: Path) -> None:
    reading = read_quotes(CsvFolder(write_folder(tmp_path)))

    assert reading.panel.symbols == ("S0", "S1")
    np.testing.assert_allclose(reading.panel.close[1], walk_of(1), atol=1e-4)
    np.testing.assert_array_equal(reading.panel.sessions[1], np.array(DAYS, dtype="datetime64[D]"))
    assert reading.notes == ()


def test_only_the_symbols_that_are_asked_for_are_read(tmp_path: Path) -> None:
    seen: list[str] = []
    write_csv(write_folder(tmp_path), "S9", [], header="not;a;header")

    reading = read_quotes(CsvFolder(tmp_path), ["S1"], seen.append)

    assert reading.panel.symbols == ("S1",)
    assert seen == ["S1"]


def test_what_is_set_aside_is_told_with_its_count(tmp_path: Path) -> None:
    lines = lines_of(walk_of(0))
    lines[5], lines[6] = lines[6], lines[5]
    lines.insert(3, lines[2])
    lines[20] = f"{lines[20][:10]},,,,,0"
    write_csv(tmp_path, "S0", lines)

    reading = read_quotes(CsvFolder(tmp_path))

    assert reading.panel.width == len(DAYS) - 2
    assert reading.notes == (
        f"S0: set aside 2 rows, first csv:S0.csv, line 5: date: {DAYS[2]} stands on line 4 already",
        "S0: left out 1 row, no-trade",
    )


@pytest.mark.parametrize(
    ("lines", "header", "told"),
    [
        (["02/01/2020;10,00;10,10"], "Data;Abertura;Fechamento", "S1.csv, line 1: the header has no Date column"),
        (['02/01/2020,"10,00","10,10","9,90","10,00",100'] * 3, HEADER, "S1: set aside 3 rows, first csv:S1.csv, li"),
        (lines_of(walk_of(1))[::-1], HEADER, "S1.csv: dates run backwards"),
        ([], HEADER, "S1: no row"),
    ],
    ids=["another-locale", "decimal-commas", "backwards", "empty"],
)
def test_a_file_without_a_usable_row_is_an_error_that_names_it(
    tmp_path: Path, lines: list[str], header: str, told: str
) -> None:
    write_csv(write_folder(tmp_path), "S1", lines, header)

    with pytest.raises(SourceError, match=told):
        read_quotes(CsvFolder(tmp_path))


def test_every_file_at_fault_is_named_at_once(tmp_path: Path) -> None:
    write_folder(tmp_path)
    for symbol in ("S0", "S1"):
        write_csv(tmp_path, symbol, [], header="Data;Fechamento")

    with pytest.raises(SourceError, match=r"S0\.csv, line 1.*; .*S1\.csv, line 1"):
        read_quotes(CsvFolder(tmp_path))
