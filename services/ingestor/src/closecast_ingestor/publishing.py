"""Publishing what is new, in batches that readers see whole or not at all."""

import threading
from collections import Counter
from collections.abc import Collection
from datetime import date, datetime
from types import TracebackType
from typing import Final, Self

from structlog.contextvars import bound_contextvars

from closecast.events import DeadLetter, Event, Quote, quote_key
from closecast.kafka.admin import ensure_topics
from closecast.kafka.publisher import TransactionalPublisher
from closecast.kafka.settings import KafkaSettings
from closecast.telemetry.logs import get_logger
from closecast.topics import Topic
from closecast_ingestor import metrics
from closecast_ingestor.ledger import Ledger
from closecast_ingestor.settled import Prepared
from closecast_ingestor.sources.base import Reject

CLIENT_ID: Final = "closecast-ingestor"
_log = get_logger(__name__)


class Publication:
    """Publishes quotes that Kafka does not hold yet, and dead letters that were not sent yet, each once.

    Making one fences every older instance with the same transactional id, and only then reads what Kafka holds: from
    then on nobody else can add to it, so the ledger stays true for as long as the publication lives.

    Args:
        kafka: How to reach Kafka.
        transactional_id: Identity of the ingestor over restarts.
        symbols: Symbols that will be published.
        since: Sessions that closed before are not published.
        batch_size: Most events in one transaction.
        stop: Ends the wait for a broker when it is set.

    Raises:
        BrokerUnavailableError: If no broker answers.
        StoppedError: If `stop` is set before one does.
    """

    def __init__(
        self,
        kafka: KafkaSettings,
        transactional_id: str,
        symbols: Collection[str],
        since: datetime,
        batch_size: int,
        *,
        stop: threading.Event | None = None,
    ) -> None:
        self.counts: Counter[str] = Counter()
        self.since = since
        self._topic = kafka.topics.quotes
        self._batch_size = batch_size
        self._quotes: dict[tuple[str, date], Quote] = {}
        self._letters: dict[tuple[bytes | None, bytes | None, str], DeadLetter] = {}
        self._others: list[tuple[Topic, Event | DeadLetter]] = []
        ensure_topics(kafka, [self._topic, self._topic.dead_letters], stop)
        self._publisher = TransactionalPublisher(kafka, CLIENT_ID, transactional_id)
        self._ledger = Ledger(kafka)
        self._ledger.read_dead_letters()
        self._ledger.read_quotes(symbols, since)
        _log.info("read what Kafka holds", sessions=len(self._ledger), since=f"{since:%Y-%m-%d}")

    def __enter__(self) -> Self:
        """Return itself; leaving the block closes it."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let go of the connections; what was not flushed is not published."""
        self._publisher.close()

    def widen(self, symbols: Collection[str], since: datetime) -> None:
        """Read what Kafka holds of further symbols, which may be published from now on.

        Args:
            symbols: The symbols.
            since: Sessions that closed before are not published.
        """
        self._ledger.read_quotes(symbols, since)

    def narrow(self, symbols: Collection[str]) -> None:
        """Forget of these symbols what lies before the range of the publication, all of which was flushed."""
        self._ledger.forget(symbols, self.since.date())

    def add(self, prepared: Prepared) -> None:
        """Publish what is new of a symbol, at once or with the next batch.

        Raises:
            FencedError: If a newer instance has taken over.
            KafkaError: If a batch could not be committed.
        """
        for reason, count in prepared.skipped.items():
            self._count(reason, count)
        for reject in prepared.rejects:
            self._add_reject(reject)
        for quote in prepared.quotes:
            self.add_quote(quote)

    def add_quote(self, quote: Quote) -> bool:
        """Publish one quote, at once or with the next batch; tell whether it is new.

        Raises:
            FencedError: If a newer instance has taken over.
            KafkaError: If a batch could not be committed.
        """
        due = self._ledger.due(quote)
        if due is None:
            metrics.note_last_session(quote.exchange, quote.session)
            self._count("unchanged")
            return False
        if due.revision:
            with bound_contextvars(symbol=due.symbol, session=str(due.session)):
                _log.info("the source corrects a session", revision=due.revision, close=due.close)
        self._quotes[due.symbol, due.session] = due
        self._flush_if_full()
        return True

    def add_beside(self, topic: Topic, record: Event | DeadLetter) -> None:
        """Publish an event, or a record of a topic that can't be used, with the next flush."""
        self._others.append((topic, record))

    def flush(self) -> None:
        """Commit what was added.

        Raises:
            FencedError: If a newer instance has taken over.
            KafkaError: If the batch could not be committed; none of it is visible then.
        """
        if not (self._quotes or self._letters or self._others):
            return
        with metrics.TRANSACTIONS.time(), self._publisher.transaction():
            for quote in self._quotes.values():
                self._publisher.send(self._topic, quote)
            for letter in self._letters.values():
                self._publisher.dead_letter(self._topic, letter)
            for topic, record in self._others:
                if isinstance(record, DeadLetter):
                    self._publisher.dead_letter(topic, record)
                else:
                    self._publisher.send(topic, record)
        self._ledger.add(self._quotes.values(), self._letters.values())
        self._note_committed()
        _log.debug("batch committed", quotes=len(self._quotes), dead_letters=len(self._letters))
        self._quotes.clear()
        self._letters.clear()
        self._others.clear()

    def _add_reject(self, reject: Reject) -> None:
        key = reject.symbol.encode() if reject.session is None else quote_key(reject.symbol, reject.session)
        letter = DeadLetter(key, reject.original, reject.reason, source_topic=reject.origin, offset=reject.line)
        if not self._ledger.is_due(letter):
            self._count("known-bad")
            return
        with bound_contextvars(symbol=reject.symbol, session=str(reject.session)):
            _log.warning("bad row set aside", reason=reject.reason, origin=reject.origin, line=reject.line)
        self._letters[letter.key, letter.value, letter.error] = letter
        self._flush_if_full()

    def _flush_if_full(self) -> None:
        if len(self._quotes) + len(self._letters) >= self._batch_size:
            self.flush()

    def _count(self, reason: str, count: int = 1) -> None:
        self.counts[reason] += count
        metrics.SKIPPED.labels(reason).inc(count)

    def _note_committed(self) -> None:
        quotes = self._quotes.values()
        kinds = Counter((quote.exchange, "correction" if quote.revision else "new") for quote in quotes)
        for (exchange, kind), count in kinds.items():
            metrics.QUOTES.labels(exchange, kind).inc(count)
            self.counts[kind] += count
            metrics.note_last_session(exchange, max(quote.session for quote in quotes if quote.exchange == exchange))
        for letter in self._letters.values():
            metrics.DEAD_LETTERS.labels(letter.source_topic.partition(":")[0]).inc()
        self.counts["dead-letters"] += len(self._letters)
