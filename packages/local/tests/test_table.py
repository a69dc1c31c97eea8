import io
from datetime import date
from typing import Any

import pytest
from rich.console import Console

from closecast.calendars import calendar_of
from closecast.horizons import LEVELS
from closecast_local.outlook import INTERVAL, Outlook
from closecast_local.table import WIDTH, print_outlooks


def test_the_interval_is_the_80_percent_one() -> None:
    assert INTERVAL == ("0.1", "0.9")


def test_a_block_shows_every_session_with_its_interval() -> None:
    lines = printed(outlook()).splitlines()
    assert lines[1] == ("PETR4.SA  last close 32.72 BRL on Mon 2025-06-16   model version 3, skill against naive +6.4%")
    assert lines[2].split() == ["session", *(f"{day:%m-%d}" for day in sessions())]
    assert lines[3].split() == ["90", "%", *["36.00"] * 10]
    assert lines[4].split() == ["median", *["33.00"] * 10]
    assert lines[5].split() == ["10", "%", *["30.00"] * 10]


@pytest.mark.parametrize("scale", [0.001, 1.0, 100.0, 10_000.0, 1e6, 1e10])
def test_no_line_is_wider_than_the_table_and_no_price_is_cut(scale: float) -> None:
    text = printed(outlook(scale=scale))
    assert max(len(line) for line in text.splitlines()) <= WIDTH
    assert "…" not in text


def test_a_narrow_terminal_loses_nothing() -> None:
    assert printed(outlook(), width=60).split() == printed(outlook()).split()


@pytest.mark.parametrize(
    ("changes", "speaker"),
    [
        ({"version": "base", "skill": None}, "base (no model promoted), skill not measured"),
        ({"skill": -0.01}, "model version 3, skill against naive -1.0%"),
    ],
)
def test_it_says_who_speaks(changes: dict[str, Any], speaker: str) -> None:
    assert printed(outlook(**changes)).splitlines()[1].endswith(f"   {speaker}")


def outlook(*, scale: float = 1.0, **changes: object) -> Outlook:
    quantiles = dict(zip(map(str, LEVELS), (29.0, 30.0, 32.0, 33.0, 34.0, 36.0, 38.0), strict=True))
    answer = {
        "symbol": "PETR4.SA",
        "currency": "BRL",
        "model": "closecast-panel",
        "version": "3",
        "skill": 0.064,
        "origin": "2025-06-16",
        "last_close": 32.72 * scale,
        "forecast": [
            {
                "session": day,
                "median": 33.0 * scale,
                "quantiles": {level: price * scale for level, price in quantiles.items()},
            }
            for day in sessions()
        ],
    }
    return Outlook.model_validate(answer | changes)


def sessions() -> tuple[date, ...]:
    return calendar_of("BVMF").next_sessions(date(2025, 6, 16), 10)


def printed(one: Outlook, width: int = WIDTH) -> str:
    console = Console(file=io.StringIO(), width=width, highlight=False)
    print_outlooks(console, [one])
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()
