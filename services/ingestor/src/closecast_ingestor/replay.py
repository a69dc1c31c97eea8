"""Old sessions, published one after the other as if they happened now."""

import threading
from collections.abc import Iterable
from itertools import groupby

from closecast.events import Quote
from closecast.kafka.errors import StoppedError
from closecast.telemetry.progress import progress_bars
from closecast_ingestor import metrics
from closecast_ingestor.publishing import Publication


def replay(publication: Publication, quotes: Iterable[Quote], speed: float, stop: threading.Event) -> None:
    """Publish quotes session by session, each session in a transaction of its own.

    Args:
        publication: Where they go; sessions that Kafka holds pass at once.
        quotes: Quotes of any symbols, in any order.
        speed: Sessions a second. 0 is as fast as it goes, with as many sessions in a transaction as a batch holds.
        stop: Ends the replay when set.

    Raises:
        FencedError: If a newer instance has taken over.
        KafkaError: If a batch could not be committed.
        StoppedError: If `stop` is set meanwhile.
    """
    in_order = sorted(quotes, key=lambda quote: quote.session)
    sessions = [list(group) for _, group in groupby(in_order, key=lambda quote: quote.session)]
    with progress_bars() as bars:
        task = bars.add_task("replaying sessions", total=len(sessions))
        metrics.SESSIONS_TO_REPLAY.set(len(sessions))
        for session in sessions:
            new = [publication.add_quote(quote) for quote in session]
            if speed:
                publication.flush()
            if stop.wait(1 / speed) if speed and any(new) else stop.is_set():
                raise StoppedError("stopped before the end; start it again to go on")
            bars.advance(task)
            metrics.SESSIONS_REPLAYED.inc()
    publication.flush()
