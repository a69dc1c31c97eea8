"""Folders of SYMBOL.csv with made-up quotes on real sessions, and histories to make panels of."""

from datetime import date
from pathlib import Path
from typing import Final

import numpy as np
from services.trainer.tests.panels import make_series

from closecast.calendars import calendar_of
from closecast.forecasting.panel import Panel
from closecast.forecasting.series import Floats, Series

DAYS: Final = calendar_of("XNYS").sessions(date(2019, 1, 2), date(2020, 12, 31))
"""505 sessions."""

HEADER: Final = "Date,Open,High,Low,Close,Volume"


def walk_of(seed: int, sessions: int = len(DAYS)) -> Floats:
    """Return closes of a random walk."""
    closes: Floats = 50 * np.exp(np.cumsum(0.02 * np.random.default_rng(seed).standard_normal(sessions)))
    return closes


def lines_of(closes: Floats, days: tuple[date, ...] = DAYS) -> list[str]:
    """Return one line a session; the session opens where the one before closed."""
    opens = np.concatenate([closes[:1], closes[:-1]])
    return [
        f"{day},{opening:.4f},{max(opening, close):.4f},{min(opening, close):.4f},{close:.4f},1000"
        for day, opening, close in zip(days, opens, closes, strict=True)
    ]


def write_csv(folder: Path, symbol: str, lines: list[str], header: str = HEADER) -> Path:
    """Write the file of a symbol."""
    folder.mkdir(exist_ok=True)
    file = folder / f"{symbol}.csv"
    file.write_text("\n".join([header, *lines]) + "\n")
    return file


def write_folder(folder: Path, symbols: int = 2) -> Path:
    """Write the files of some walks, and return the folder."""
    for number in range(symbols):
        write_csv(folder, f"S{number}", lines_of(walk_of(number)))
    return folder


def late_series(symbol: str, sessions: int, length: int, seed: int) -> Series:
    """Return the last sessions of a walk whose first ones are not known."""
    whole = make_series(symbol, sessions, seed)
    columns = {name: getattr(whole, name)[-length:] for name in ("open", "high", "low", "close", "volume")}
    return Series.from_columns(symbol, session=whole.sessions[-length:], **columns)


def day(column: int) -> date:
    """Return the session of a column of `make_panel`."""
    session: date = (np.datetime64("2010-01-01") + column).astype(date)
    return session


def panel_with(*series: Series, symbols: int = 2, sessions: int = 520) -> Panel:
    """Return a panel of walks and further series."""
    return Panel.of([*(make_series(f"S{number}", sessions, number) for number in range(symbols)), *series])


def changed_after(panel: Panel, column: int) -> Panel:
    """Return a panel whose prices after a column are others."""
    random = np.random.default_rng(1)
    changed = []
    for row, symbol in enumerate(panel.symbols):
        first = panel.width - int(panel.lengths[row])
        factor = np.where(np.arange(first, panel.width) > column, random.uniform(0.5, 2, panel.width - first), 1.0)
        prices = {name: getattr(panel, name)[row, first:] * factor for name in ("open", "high", "low", "close")}
        volume = panel.volume[row, first:]
        changed.append(Series.from_columns(symbol, session=panel.sessions[row, first:], volume=volume, **prices))
    return Panel.of(changed)
