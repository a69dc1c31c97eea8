"""One round over the universe: ask the source, sort out the answers, hand on what is settled."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date

from structlog.contextvars import bound_contextvars

from closecast.calendars import calendar_of_symbol
from closecast.kafka.errors import StoppedError
from closecast.telemetry.logs import get_logger
from closecast.telemetry.progress import progress_bars
from closecast_ingestor import metrics
from closecast_ingestor.settled import Prepared, Window, prepare
from closecast_ingestor.sources.base import Failure, Source

_log = get_logger(__name__)


@dataclass(slots=True)
class Outcome:
    """What a round came to.

    Attributes:
        failed: Symbols that the source could not give.
        behind: Symbols that it gave without the last session wanted.
    """

    failed: list[str] = field(default_factory=list)
    behind: list[str] = field(default_factory=list)


def read_universe(
    source: Source, symbols: Sequence[str], window: Window, outcome: Outcome, stop: threading.Event
) -> Iterator[Prepared]:
    """Yield what each symbol's history came to; note in `outcome` which symbols failed or are behind.

    Raises:
        SourceError: If the source gives nothing at all.
        StoppedError: If `stop` is set meanwhile.
    """
    with progress_bars() as bars:
        task = bars.add_task(f"reading {source.name}", total=len(symbols))
        for answer in source.histories(symbols, window.start, window.end):
            if stop.is_set():
                raise StoppedError("stopped before the end; start it again to go on")
            with bound_contextvars(symbol=answer.symbol):
                if isinstance(answer, Failure):
                    outcome.failed.append(answer.symbol)
                    metrics.ERRORS.labels(source.name).inc()
                    _log.error("the source has failed for a symbol", source=source.name, reason=answer.reason)
                else:
                    prepared = prepare(answer, source.name, window)
                    _note_progress(prepared, window, outcome)
                    yield prepared
            bars.advance(task)


def run_round(
    source: Source, symbols: Sequence[str], window: Window, hand_on: Callable[[Prepared], None], stop: threading.Event
) -> Outcome:
    """Hand on what each symbol's history came to, and return what failed.

    Raises:
        SourceError: If the source gives nothing at all.
        StoppedError: If `stop` is set meanwhile.
    """
    outcome, began = Outcome(), time.monotonic()
    for prepared in read_universe(source, symbols, window, outcome, stop):
        hand_on(prepared)
    metrics.ROUND_SECONDS.observe(time.monotonic() - began)
    metrics.ROUNDS.labels("failed" if outcome.failed else "behind" if outcome.behind else "complete").inc()
    return outcome


def _note_progress(prepared: Prepared, window: Window, outcome: Outcome) -> None:
    for reason, count in prepared.skipped.items():
        _log.info("rows left out", reason=reason, count=count)
    last = prepared.quotes[-1].session if prepared.quotes else date.min
    if last < last_wanted(prepared.symbol, window):
        outcome.behind.append(prepared.symbol)


def last_wanted(symbol: str, window: Window) -> date:
    """Return the last settled session in the window of the symbol's exchange; `date.min` if there is none."""
    calendar = calendar_of_symbol(symbol)
    settled = min(window.end, calendar.last_settled(window.now, window.delay))
    sessions = calendar.sessions(window.start, settled)
    return sessions[-1] if sessions else date.min
