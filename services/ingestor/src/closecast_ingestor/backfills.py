"""Quotes of symbols that were asked for and that nobody has published: fetched, published, and told of."""

import threading
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final
from uuid import UUID

from closecast.events import BackfillEvent, BackfillOutcome, InvalidEventError
from closecast.kafka import begins_of, ensure_topics, new_consumer, partitions_of, read_to_end
from closecast.kafka.errors import StoppedError
from closecast.telemetry.logs import get_logger
from closecast_ingestor import metrics
from closecast_ingestor.backfill_queue import BackfillQueue, Batch
from closecast_ingestor.publishing import Publication
from closecast_ingestor.settings import IngestorSettings
from closecast_ingestor.settled import Window, prepare
from closecast_ingestor.sources.base import Failure, History, Source, SourceError

_ALIVE: Final = timedelta(days=10)
"""A symbol whose latest session is older than this when it is fetched is not asked for again every day."""

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Answer:
    """What the source had of a symbol."""

    outcome: BackfillOutcome
    reason: str
    last_session: date | None = None


class Backfills:
    """Serves backfill requests through a publication.

    The order is that of at-least-once with an idempotent effect: the quotes are committed, then (with the last of them)
    the outcome, then the offset of the request. A request that comes again finds its quotes in the ledger.

    Args:
        settings: Of the ingestor.
        source: Where quotes are read.
        publication: Where they go; it must be open.
        window: Returns which sessions are wanted at present.
        stop: Ends the work when set.
    """

    def __init__(
        self,
        settings: IngestorSettings,
        source: Source,
        publication: Publication,
        window: Callable[[], Window],
        stop: threading.Event,
    ) -> None:
        self._kafka = settings.kafka
        self._identity = settings.identity
        self._source = source
        self._publication = publication
        self._window = window
        self._stop = stop
        topics = self._kafka.topics
        ensure_topics(
            self._kafka, [topics.backfill_requests, topics.backfill_requests.dead_letters, topics.backfills], stop
        )
        self._queue = BackfillQueue(self._kafka, settings.backfill_group)

    def close(self) -> None:
        """Leave the group."""
        self._queue.close()

    def served_before(self) -> list[str]:
        """Return the symbols that this ingestor has served and that were still traded then."""
        latest: dict[str, BackfillEvent] = {}
        with closing(new_consumer(self._kafka, "closecast-ingestor-backfills")) as consumer:
            partitions = partitions_of(consumer, self._kafka.topics.backfills)
            for record in read_to_end(consumer, begins_of(consumer, partitions)):
                try:
                    event = BackfillEvent.from_bytes(record.value)
                except InvalidEventError as error:
                    _log.warning("record skipped", topic=record.topic, offset=record.offset, error=str(error))
                else:
                    latest[event.symbol] = event
        return [symbol for symbol, event in latest.items() if event.ingestor == self._identity and _is_alive(event)]

    def serve(self, timeout_s: float) -> list[str]:
        """Serve what arrives within `timeout_s`; return the symbols that are to be kept up to date.

        Raises:
            FencedError: If a newer instance has taken over.
            KafkaError: If Kafka fails.
            StoppedError: If `stop` is set meanwhile; the requests come again.
            TooManyInvalidRecordsError: If so many records are bad that their writer must be broken.
        """
        batch = self._queue.poll(timeout_s)
        if not batch:
            return []
        events = self._publish(batch)
        self._queue.commit()
        metrics.BACKFILLS.labels("invalid").inc(len(batch.letters))
        for event in events:
            metrics.BACKFILLS.labels(event.outcome).inc()
            _log.info("backfill", symbol=event.symbol, outcome=event.outcome, reason=event.reason)
        return list({event.symbol: None for event in events if _is_alive(event)})

    def _publish(self, batch: Batch) -> list[BackfillEvent]:
        topics = self._kafka.topics
        symbols = list({request.symbol: None for request in batch.requests})
        window = self._window()
        if symbols:
            self._publication.widen(symbols, window.since)
        answers = self._fetch(symbols, window)
        events = [self._event(request.id, request.symbol, answers[request.symbol]) for request in batch.requests]
        for event in events:
            self._publication.add_beside(topics.backfills, event)
        for letter in batch.letters:
            self._publication.add_beside(topics.backfill_requests, letter)
        self._publication.flush()
        self._publication.narrow(symbols)
        return events

    def _fetch(self, symbols: Sequence[str], window: Window) -> dict[str, _Answer]:
        """Hand on what the source has of the symbols, and return what that is."""
        answers: dict[str, _Answer] = {}
        try:
            for found in self._source.histories(symbols, window.start, window.end):
                if self._stop.is_set():
                    raise StoppedError("stopped before the end; the requests are served at the next start")
                if isinstance(found, Failure):
                    answers[found.symbol] = _Answer("unknown" if found.unknown else "failed", found.reason)
                else:
                    answers[found.symbol] = self._hand_on(found, window)
        except SourceError as error:
            _log.error("the source has failed", source=self._source.name, reason=str(error))
            answers = {symbol: _Answer("failed", str(error)) for symbol in symbols} | answers
        return answers

    def _hand_on(self, history: History, window: Window) -> _Answer:
        try:
            prepared = prepare(history, self._source.name, window)
        except Exception as error:  # noqa: BLE001 - logged and told: one request must not end the daily rounds
            _log.exception("the history can't be read", symbol=history.symbol)
            return _Answer("failed", f"{type(error).__name__}: {error}")
        self._publication.add(prepared)
        if not prepared.quotes:
            return _Answer("unknown", f"{self._source.name} has no settled session of {history.symbol}")
        reason = f"{self._source.name} has {len(prepared.quotes)} sessions of {history.symbol}"
        return _Answer("served", reason, prepared.quotes[-1].session)

    def _event(self, request_id: UUID, symbol: str, answer: _Answer) -> BackfillEvent:
        return BackfillEvent(
            request_id=request_id,
            symbol=symbol,
            outcome=answer.outcome,
            reason=answer.reason,
            last_session=answer.last_session,
            source=self._source.name,
            ingestor=self._identity,
        )


def _is_alive(event: BackfillEvent) -> bool:
    return event.last_session is not None and event.occurred_at.date() - event.last_session <= _ALIVE
