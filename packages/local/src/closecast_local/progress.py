"""Progress that people can follow: bars on a terminal, a few plain lines elsewhere."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

_PLAIN_STEPS: Final = 4


class Bar(Protocol):
    """The progress of one piece of work."""

    def update(self, done: float, total: float | None, note: str = "") -> None:
        """Show how much is done; without a total only that it goes on."""

    def finish(self, note: str) -> None:
        """Show that it is complete, and what came of it."""


class Board(Protocol):
    """Shows several pieces of work at once."""

    def add(self, name: str) -> Bar:
        """Begin to show a piece of work."""


@contextmanager
def progress_board(console: Console) -> Iterator[Board]:
    """Show progress for the length of a block, in the form that suits the console."""
    if not console.is_terminal:
        yield _PlainBoard(console)
        return
    columns = (
        SpinnerColumn(finished_text="[green]✓"),
        TextColumn("{task.description:<10}"),
        BarColumn(bar_width=30),
        TextColumn("{task.fields[note]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as progress:
        yield _LiveBoard(progress)


class _LiveBoard:
    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def add(self, name: str) -> Bar:
        return _LiveBar(self._progress, self._progress.add_task(name, total=None, note=""))


class _LiveBar:
    def __init__(self, progress: Progress, task: TaskID) -> None:
        self._progress = progress
        self._task = task

    def update(self, done: float, total: float | None, note: str = "") -> None:
        self._progress.update(self._task, completed=done, total=total, note=note)

    def finish(self, note: str) -> None:
        self._progress.update(self._task, completed=1, total=1, note=note)


class _PlainBoard:
    def __init__(self, console: Console) -> None:
        self._console = console

    def add(self, name: str) -> Bar:
        return _PlainBar(self._console, name)


class _PlainBar:
    """Says something at every quarter of the way, and at the end."""

    def __init__(self, console: Console, name: str) -> None:
        self._console = console
        self._name = name
        self._told = 0

    def update(self, done: float, total: float | None, note: str = "") -> None:
        step = int(done / total * _PLAIN_STEPS) if total else 0
        if self._told < step < _PLAIN_STEPS:
            self._told = step
            self._say(note)

    def finish(self, note: str) -> None:
        self._say(note)

    def _say(self, text: str) -> None:
        self._console.print(f"{self._name:<10} {text}", highlight=False, soft_wrap=True)
