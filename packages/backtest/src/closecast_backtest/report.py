"""The tables that a backtest ends with."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass
from typing import Final

import numpy as np
from rich.console import Console
from rich.table import Table

from closecast.forecasting.series import Floats
from closecast_backtest.measures import Measures
from closecast_backtest.plan import Plan
from closecast_backtest.walk import Forecasts, shares

WIDTH: Final = 120
"""Columns of a table where there is no terminal to tell how many fit."""

_REMARK: Final = (
    "pinball: of log returns, mean over the seven quantiles; rMAE: a symbol's mean absolute error over that of naive; "
    "all measures are averaged over symbols"
)


@dataclass(frozen=True, slots=True, eq=False)
class Contender:
    """Closecast or a peer, and what it forecast.

    Attributes:
        title: Its name in tables.
        quantiles: ``[origins, horizon, levels]``; all but the median NaN from one without intervals.
        seconds: What training and forecasting took.
    """

    title: str
    quantiles: Floats
    seconds: float


def new_console() -> Console:
    """Return where the tables go: standard output, plain where that is no terminal."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=WIDTH)


def print_report(console: Console, plan: Plan, forecasts: Forecasts, contenders: Iterable[Contender]) -> None:
    """Print what was forecast, the measures of each contender, and who spoke for Closecast."""
    origins = plan.origins
    symbols = len(np.unique(origins.rows))
    console.print(
        f"\n{symbols} symbol{'s' if symbols > 1 else ''}, {len(origins)} origins from {origins.sessions.min()} to "
        f"{origins.sessions.max()}, {plan.horizon} horizon{'s' if plan.horizon > 1 else ''}"
    )
    ahead = "" if plan.horizon == 1 else f" 1-{plan.horizon}"
    table = make_table(
        "", "pinball h1", f"pinball{ahead}", "rMAE h1", f"rMAE{ahead}", "coverage 80 %", "coverage 95 %", "seconds"
    )
    for one in contenders:
        measures = Measures.of(one.quantiles, origins.actual, origins.last_close, origins.rows)
        table.add_row(one.title, *_cells(measures), f"{one.seconds:.1f}")
    console.print(table)
    console.print(_REMARK, style="dim", soft_wrap=True)
    spoke = ", ".join(f"{name} {share:.1%}" for name, share in shares(forecasts))
    console.print(f"who spoke, by share of the origins: {spoke}", soft_wrap=True)


def print_by_symbol(console: Console, plan: Plan, quantiles: Floats, base: Floats) -> None:
    """Print the measures of each symbol beside those of the base."""
    table = make_table(
        "symbol", "origins", "pinball", "of base", "change", "rMAE", "coverage 80 %", "of base", "95 %", "of base"
    )
    for row, measures, of_base in _by_symbol(plan, quantiles, base):
        table.add_row(
            plan.panel.symbols[row],
            str(int((plan.origins.rows == row).sum())),
            _shown(measures.pinball, 6),
            _shown(of_base.pinball, 6),
            f"{measures.pinball / of_base.pinball - 1:+.2%}",
            _shown(measures.rmae, 3),
            _shown(measures.coverage_80, 3),
            _shown(of_base.coverage_80, 3),
            _shown(measures.coverage_95, 3),
            _shown(of_base.coverage_95, 3),
        )
    console.print("\nby symbol, over all horizons", soft_wrap=True)
    console.print(table)


def _by_symbol(plan: Plan, quantiles: Floats, base: Floats) -> Iterable[tuple[int, Measures, Measures]]:
    origins = plan.origins
    for row in np.unique(origins.rows):
        mine = origins.rows == row
        known = (origins.actual[mine], origins.last_close[mine], origins.rows[mine])
        yield int(row), Measures.of(quantiles[mine], *known), Measures.of(base[mine], *known)


def make_table(first: str, *others: str) -> Table:
    """Return a table without rows: the first column holds names, the others figures."""
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column(first, no_wrap=True)
    for name in others:
        table.add_column(name, justify="right")
    return table


_DECIMALS: Final[Mapping[str, int]] = {"pinball_next": 6, "pinball": 6}


def _cells(measures: Measures) -> list[str]:
    return [
        _shown(value, _DECIMALS.get(name, 3))
        for name, value in zip(Measures.__dataclass_fields__, astuple(measures), strict=True)
    ]


def _shown(value: float, decimals: int) -> str:
    return f"{value:.{decimals}f}" if math.isfinite(value) else ""
