"""Fixtures of the ingestor's tests."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from services.ingestor.tests.yahoo_server import YahooServer

from closecast_ingestor.settled import Window


@pytest.fixture
def yahoo_server() -> Iterator[YahooServer]:
    with YahooServer() as server:
        yield server


@pytest.fixture
def window() -> Window:
    """Every session, seen from the evening of Friday, 5 April 2024, when New York has settled."""
    return Window(
        start=date(2000, 1, 1),
        end=date(2030, 1, 1),
        now=datetime(2024, 4, 5, 23, 0, tzinfo=UTC),
        delay=timedelta(hours=1),
    )


@pytest.fixture
def write_csv(tmp_path: Path) -> Callable[..., Path]:
    """Return what writes the lines of SYMBOL.csv and returns its folder."""

    def write(symbol: str, *lines: str) -> Path:
        folder = tmp_path / "quotes"
        folder.mkdir(exist_ok=True)
        (folder / f"{symbol}.csv").write_text("\n".join(lines) + "\n")
        return folder

    return write
