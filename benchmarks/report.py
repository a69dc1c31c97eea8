"""How a benchmark tells its result: a table to read and a file to keep."""

import json
import os
import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

_WIDTH_OF_A_LOG: Final = 160
RESULTS: Final = Path(__file__).resolve().parent / "results"

Figures = Mapping[str, float | int | str]


@dataclass(frozen=True, slots=True)
class Target:
    """What a benchmark must reach.

    Attributes:
        name: What is measured, with its unit.
        value: What was measured.
        bound: What it is compared with.
        at_least: Whether the bound is the least that will do; else the most.
    """

    name: str
    value: float
    bound: float
    at_least: bool = True

    @property
    def met(self) -> bool:
        """Whether it was reached."""
        return self.value >= self.bound if self.at_least else self.value <= self.bound


def report(name: str, title: str, rows: Mapping[str, Figures], targets: Sequence[Target]) -> bool:
    """Print a table, write ``benchmarks/results/<name>.json`` and return whether all targets were met.

    Args:
        name: Name of the file.
        title: Heading of the table.
        rows: Figures by what they were measured of: Closecast and its peers.
        targets: What had to be reached.
    """
    console = Console(width=None if sys.stdout.isatty() else _WIDTH_OF_A_LOG)
    columns = list(dict.fromkeys(column for figures in rows.values() for column in figures))
    table = Table("", *columns, title=title)
    for row, figures in rows.items():
        table.add_row(row, *(_text(figures.get(column, "")) for column in columns))
    console.print(table)
    for target in targets:
        sign, verdict = "≥" if target.at_least else "≤", "met" if target.met else "MISSED"
        console.print(f"  {target.name}: {_text(target.value)} (needs {sign} {_text(target.bound)}) {verdict}")
    RESULTS.mkdir(exist_ok=True)
    machine = {"processors": os.cpu_count(), "system": platform.system(), "python": platform.python_version()}
    written = {
        "benchmark": name,
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine,
        "figures": rows,
        "targets": [asdict(target) | {"met": target.met} for target in targets],
    }
    text = json.dumps(written, indent=2, ensure_ascii=False) + "\n"
    (RESULTS / f"{name}.json").write_text(text, encoding="utf-8")
    return all(target.met for target in targets)


def _text(value: float | str) -> str:
    if isinstance(value, str):
        return value
    return f"{value:,.3g}" if abs(value) < 100 else f"{value:,.0f}"
