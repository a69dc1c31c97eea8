"""What Kafka holds already: the ingestor keeps no state of its own."""

from collections.abc import Collection, Iterable
from contextlib import closing
from datetime import date, datetime
from hashlib import blake2b
from math import isclose
from typing import Final, NamedTuple

from closecast.events import DeadLetter, InvalidEventError, Quote
from closecast.kafka.clients import new_consumer
from closecast.kafka.reader import begins_of, offsets_since, partitions_of, read_to_end
from closecast.kafka.settings import KafkaSettings

_CLIENT_ID: Final = "closecast-ingestor-ledger"
_CORRECTION: Final = 1e-6
"""Smaller relative differences are the source's rounding (32-bit prices, un-adjusted by a new split), no correction."""


class _Held(NamedTuple):
    revision: int
    content: tuple[float, ...]


class Ledger:
    """The latest revision and content of each quote, and the dead letters that were sent.

    Args:
        kafka: How to reach Kafka.
    """

    def __init__(self, kafka: KafkaSettings) -> None:
        self._kafka = kafka
        self._quotes: dict[tuple[str, date], _Held] = {}
        self._dead_letters: set[bytes] = set()

    def read_quotes(self, symbols: Collection[str], since: datetime) -> None:
        """Read the committed quotes of the symbols whose session closed after `since`."""
        wanted = {symbol.encode() for symbol in symbols}
        with closing(new_consumer(self._kafka, _CLIENT_ID)) as consumer:
            quotes = partitions_of(consumer, self._kafka.topics.quotes)
            for record in read_to_end(consumer, offsets_since(consumer, quotes, since)):
                if record.key is not None and record.key.partition(b"|")[0] in wanted:
                    self._add_record(record.value)

    def read_dead_letters(self) -> None:
        """Read all dead letters of quotes."""
        with closing(new_consumer(self._kafka, _CLIENT_ID)) as consumer:
            letters = partitions_of(consumer, self._kafka.topics.quotes.dead_letters)
            for record in read_to_end(consumer, begins_of(consumer, letters)):
                error = dict(record.headers).get("error", b"")
                self._dead_letters.add(_digest(record.key, record.value, error))

    def forget(self, symbols: Collection[str], before: date) -> None:
        """Let go of the sessions of the symbols before a day, which will not be asked for again."""
        self._quotes = {
            (symbol, session): held
            for (symbol, session), held in self._quotes.items()
            if session >= before or symbol not in symbols
        }

    def __len__(self) -> int:
        """Return how many sessions are held."""
        return len(self._quotes)

    def due(self, quote: Quote) -> Quote | None:
        """Return the quote as it must be published, a correction with its revision; None if Kafka holds it."""
        held = self._quotes.get((quote.symbol, quote.session))
        if held is None:
            return quote
        if all(isclose(new, old, rel_tol=_CORRECTION) for new, old in zip(quote.content(), held.content, strict=True)):
            return None
        return quote.model_copy(update={"revision": held.revision + 1})

    def is_due(self, letter: DeadLetter) -> bool:
        """Tell whether a dead letter was not sent before."""
        return _digest_of(letter) not in self._dead_letters

    def add(self, quotes: Iterable[Quote], letters: Iterable[DeadLetter]) -> None:
        """Note what was committed."""
        for quote in quotes:
            self._quotes[quote.symbol, quote.session] = _Held(quote.revision, quote.content())
        self._dead_letters.update(map(_digest_of, letters))

    def _add_record(self, value: bytes | None) -> None:
        try:
            quote = Quote.from_bytes(value)
        except InvalidEventError:
            return  # a foreign record under one of our keys: its readers dead-letter it
        held = self._quotes.get((quote.symbol, quote.session))
        if held is None or quote.revision >= held.revision:
            self.add([quote], [])


def _digest_of(letter: DeadLetter) -> bytes:
    return _digest(letter.key, letter.value, letter.error.encode())


def _digest(key: bytes | None, value: bytes | None, error: bytes) -> bytes:
    parts = (key or b"", value or b"", error)
    return blake2b(b"\0".join(b"%d:%b" % (len(part), part) for part in parts), digest_size=16).digest()
