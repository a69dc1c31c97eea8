"""What each command does."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Final

from kafka.errors import KafkaError

from closecast.events import Quote
from closecast.kafka.errors import BrokerUnavailableError
from closecast.symbols import InvalidSymbolError, parse_symbol
from closecast.telemetry.logs import get_logger
from closecast.telemetry.readiness import KAFKA, READINESS
from closecast_ingestor import metrics
from closecast_ingestor.backfills import Backfills
from closecast_ingestor.download import write_csv
from closecast_ingestor.publishing import Publication
from closecast_ingestor.replay import replay
from closecast_ingestor.rounds import Outcome, read_universe, run_round
from closecast_ingestor.schedule import Schedule, follow
from closecast_ingestor.settings import Command, IngestorSettings
from closecast_ingestor.settled import Window
from closecast_ingestor.sources.base import Source, SourceError
from closecast_ingestor.sources.csv_folder import CsvFolder
from closecast_ingestor.sources.sample import Sample

_FIRST_DAY: Final = date(1980, 1, 2)
"""Trading calendars begin here; earlier sessions can't be told from holidays."""

_BROKER_RETRY_S: Final = 5.0
_POLL_S: Final = 1.0
_log = get_logger(__name__)


def execute(settings: IngestorSettings, stop: threading.Event) -> bool:
    """Run the command of the settings; return whether every symbol could be given.

    Raises:
        SourceError: If the source gives nothing at all.
        FencedError: If a newer instance has taken over.
        KafkaError: If Kafka fails.
        BrokerUnavailableError: If no broker answers.
        StoppedError: If `stop` is set before the work is done.
        TooManyInvalidRecordsError: If so many backfill requests are bad that their writer must be broken.
    """
    source = make_source(settings, stop)
    metrics.DEAD_LETTERS.labels(source.name)  # Prometheus sees no increase of a series that was not there before
    symbols = () if settings.command == "serve" else universe(settings, source)
    return _COMMANDS[settings.command](settings, source, symbols, stop)


def make_source(settings: IngestorSettings, stop: threading.Event) -> Source:
    """Return the source that the settings name."""
    if settings.source == "yahoo":
        from closecast_ingestor.sources.yahoo import Yahoo

        return Yahoo(settings.yahoo, stop)
    if settings.source == "csv":
        assert settings.csv_folder is not None  # noqa: S101 - checked by the settings
        return CsvFolder(settings.csv_folder)
    return Sample()


def universe(settings: IngestorSettings, source: Source) -> tuple[str, ...]:
    """Return the symbols that the settings name, or else all that the source has, each once.

    Raises:
        SourceError: If the file of symbols can't be read or a line of it is none.
    """
    named = list(settings.symbols)
    if settings.symbols_file is not None:
        try:
            lines = settings.symbols_file.read_text().splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise SourceError(f"{settings.symbols_file}: can't be read: {error}") from error
        for number, line in enumerate(lines, start=1):
            text = line.partition("#")[0].strip()
            try:
                named += [parse_symbol(text)] if text else []
            except InvalidSymbolError as error:
                raise SourceError(f"{settings.symbols_file}, line {number}: {error}") from error
    symbols = tuple(dict.fromkeys(named)) or source.symbols()
    if not symbols:
        raise SourceError("no symbols to publish")
    return symbols


def _once(settings: IngestorSettings, source: Source, symbols: Sequence[str], stop: threading.Event) -> bool:
    window = _rounds_window(settings)
    with _publication(settings, symbols, window, stop) as publication:
        outcome = _publish_round(source, symbols, window, publication, stop)
    return not outcome.failed


def _replay(settings: IngestorSettings, source: Source, symbols: Sequence[str], stop: threading.Event) -> bool:
    window = _window(settings, None)
    outcome = Outcome()
    quotes: list[Quote] = []
    with _publication(settings, symbols, window, stop) as publication:
        for prepared in read_universe(source, symbols, window, outcome, stop):
            quotes += prepared.quotes
            prepared.quotes = []
            publication.add(prepared)
        replay(publication, quotes, settings.speed, stop)
        _log.info("replayed", **publication.counts)
    return not outcome.failed


def _download(settings: IngestorSettings, source: Source, symbols: Sequence[str], stop: threading.Event) -> bool:
    outcome = run_round(source, symbols, _window(settings, None), partial(write_csv, settings.output), stop)
    return not outcome.failed


def _run(settings: IngestorSettings, source: Source, symbols: Sequence[str], stop: threading.Event) -> bool:
    schedule = Schedule(symbols, _settle_delay(settings), timedelta(seconds=settings.retry_s))
    while not stop.is_set():
        with (
            _outlasting_kafka(stop),
            _publication(settings, schedule.symbols, _rounds_window(settings), stop) as publication,
        ):

            def ask(due: Sequence[str], now: datetime) -> Outcome:
                return _scheduled_round(source, due, _rounds_window(settings, now), publication, stop)

            if settings.backfills:
                with _backfills(settings, source, publication, stop) as backfills:
                    _take_up(backfills, publication, schedule)
                    follow(schedule, ask, partial(_serve_meanwhile, backfills, schedule), stop)
            else:
                follow(schedule, ask, stop.wait, stop)
    return True


def _serve(settings: IngestorSettings, source: Source, symbols: Sequence[str], stop: threading.Event) -> bool:
    while not stop.is_set():
        with (
            _outlasting_kafka(stop),
            _publication(settings, symbols, _rounds_window(settings), stop) as publication,
            _backfills(settings, source, publication, stop) as backfills,
        ):
            _log.info("waiting for backfill requests", source=source.name)
            while not stop.is_set():
                backfills.serve(_POLL_S)
    return True


@contextmanager
def _outlasting_kafka(stop: threading.Event) -> Iterator[None]:
    """Pass over a failure of Kafka: what the block did is done again after a wait."""
    try:
        yield
    except (KafkaError, BrokerUnavailableError) as error:
        metrics.ROUNDS.labels("kafka-error").inc()
        READINESS.lost(KAFKA, str(error))
        _log.error("Kafka has failed; trying again", error=str(error), wait_s=_BROKER_RETRY_S)
        stop.wait(_BROKER_RETRY_S)


def _backfills(
    settings: IngestorSettings, source: Source, publication: Publication, stop: threading.Event
) -> closing[Backfills]:
    return closing(Backfills(settings, source, publication, partial(_window, settings, None), stop))


def _take_up(backfills: Backfills, publication: Publication, schedule: Schedule) -> None:
    """Add to the universe what was fetched before this start."""
    fetched = [symbol for symbol in backfills.served_before() if symbol not in schedule.symbols]
    if fetched:
        publication.widen(fetched, publication.since)
        schedule.add(fetched)


def _serve_meanwhile(backfills: Backfills, schedule: Schedule, seconds: float) -> None:
    fetched = backfills.serve(min(seconds, _POLL_S))
    schedule.add(fetched, datetime.now(UTC))


def _scheduled_round(
    source: Source, symbols: Sequence[str], window: Window, publication: Publication, stop: threading.Event
) -> Outcome:
    try:
        return _publish_round(source, symbols, window, publication, stop)
    except SourceError as error:
        _log.error("the source has failed", reason=str(error))
        metrics.ROUNDS.labels("failed").inc()
        return Outcome(failed=list(symbols))


def _publish_round(
    source: Source, symbols: Sequence[str], window: Window, publication: Publication, stop: threading.Event
) -> Outcome:
    publication.counts.clear()
    outcome = run_round(source, symbols, window, publication.add, stop)
    publication.flush()
    _log.info("round done", symbols=len(symbols), failed=len(outcome.failed), **publication.counts)
    return outcome


def _publication(
    settings: IngestorSettings, symbols: Sequence[str], window: Window, stop: threading.Event
) -> Publication:
    return Publication(settings.kafka, settings.identity, symbols, window.since, settings.batch_size, stop=stop)


def _rounds_window(settings: IngestorSettings, now: datetime | None = None) -> Window:
    return _window(settings, settings.lookback_days, now)


def _window(settings: IngestorSettings, lookback_days: int | None, now: datetime | None = None) -> Window:
    now = now or datetime.now(UTC)
    default = _FIRST_DAY if lookback_days is None else now.date() - timedelta(days=lookback_days)
    return Window(
        start=max(settings.start or default, _FIRST_DAY),
        end=settings.end or now.date() + timedelta(days=1),
        now=now,
        delay=_settle_delay(settings),
    )


def _settle_delay(settings: IngestorSettings) -> timedelta:
    return timedelta(minutes=settings.settle_delay_min)


_COMMANDS: Final[dict[Command, Callable[[IngestorSettings, Source, Sequence[str], threading.Event], bool]]] = {
    "once": _once,
    "backfill": _once,
    "run": _run,
    "serve": _serve,
    "replay": _replay,
    "download": _download,
}
