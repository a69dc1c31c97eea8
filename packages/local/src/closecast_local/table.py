"""Forecasts as a table of at most 100 columns."""

from collections.abc import Iterable
from typing import Final

from rich.console import Console
from rich.table import Table

from closecast.events import BASE_VERSION
from closecast_local.outlook import Outlook, SessionOutlook

WIDTH: Final = 100
_WHOLE_FROM: Final = 10_000
_POWERS_FROM: Final = 100_000_000


def print_outlooks(console: Console, outlooks: Iterable[Outlook]) -> None:
    """Print one block a symbol: last close, model and skill; then the coming sessions with their 80 % interval."""
    for outlook in outlooks:
        console.print()
        console.print(_headline(outlook), soft_wrap=True)
        # A narrower terminal wraps the lines: better than to lose the last sessions.
        console.print(_block(outlook.sessions), width=WIDTH, crop=False)


def _headline(outlook: Outlook) -> str:
    return (
        f"[bold]{outlook.symbol}[/bold]  last close [bold]{_price(outlook.last_close)}[/bold] {outlook.currency} "
        f"on {outlook.origin:%a %Y-%m-%d}   {_speaker(outlook)}"
    )


def _speaker(outlook: Outlook) -> str:
    model = "base (no model promoted)" if outlook.version == BASE_VERSION else f"model version {outlook.version}"
    if outlook.skill is None:
        return f"{model}, skill not measured"
    return f"{model}, skill against naive {outlook.skill:+.1%}"


def _block(sessions: tuple[SessionOutlook, ...]) -> Table:
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, width=WIDTH)
    table.add_column("session", style="dim", no_wrap=True)
    for one in sessions:
        table.add_column(f"{one.session:%m-%d}", justify="right", no_wrap=True)
    table.add_row("90 %", *(_price(one.interval[1]) for one in sessions))
    table.add_row("median", *(_price(one.median) for one in sessions), style="bold")
    table.add_row("10 %", *(_price(one.interval[0]) for one in sessions))
    return table


def _price(price: float) -> str:
    """Return a price in at most eight characters."""
    if price >= _POWERS_FROM:
        return f"{price:.2e}"
    if price >= _WHOLE_FROM:
        return f"{price:.0f}"
    return f"{price:.2f}" if price >= 1 else f"{price:.4f}"
