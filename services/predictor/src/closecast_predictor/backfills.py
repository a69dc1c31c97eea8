"""Symbols that were asked for and that there are no quotes of: what was requested, and what came of it."""

import threading
from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final, Literal, TypeVar
from uuid import UUID

from closecast.events import BackfillEvent, BackfillRequest
from closecast.kafka import KafkaSettings
from closecast_predictor.requests import RequestPublisher

T = TypeVar("T", BackfillRequest, BackfillEvent)

BackfillState = Literal["fetching", "unavailable", "failed"]

_REMEMBERED: Final = 10_000
_MOST_WAITING: Final = 100
_STANDS: Final[dict[BackfillState, timedelta]] = {
    "fetching": timedelta(hours=1),
    "unavailable": timedelta(hours=1),
    "failed": timedelta(minutes=1),
}
"""How long the state of a symbol stands before another request is made."""

_ON_THE_WAY: Final = timedelta(minutes=1)
"""From published quotes to a forecast: more is a sign that there will be none."""


@dataclass(frozen=True, slots=True)
class Backfill:
    """A symbol that was asked for.

    Attributes:
        symbol: Canonical symbol.
        state: "fetching" until there is a forecast; "unavailable" where there are no quotes to forecast from; "failed"
            where a later request may help.
        request_id: The request; none if it was not taken.
        since: When the state began.
        reason: Why there will be no forecast.
    """

    symbol: str
    state: BackfillState
    request_id: UUID | None
    since: datetime
    reason: str = ""

    @property
    def stands_until(self) -> datetime:
        """From when on another request may be made."""
        return self.since + _STANDS[self.state]


class BackfillDesk:
    """Publishes backfill requests, one for a symbol however often it is asked for.

    Args:
        kafka: How to reach Kafka.
        most_waiting: Requests without an outcome above which no further one is taken.
    """

    def __init__(self, kafka: KafkaSettings, most_waiting: int = _MOST_WAITING) -> None:
        self._topic = kafka.topics.backfill_requests
        self._most_waiting = most_waiting
        self._publisher = RequestPublisher(kafka, "closecast-predictor-backfills")
        self._requesting = threading.Lock()
        self._requests: OrderedDict[str, BackfillRequest] = OrderedDict()
        self._events: OrderedDict[str, BackfillEvent] = OrderedDict()

    def request(self, symbol: str) -> Backfill:
        """Return what is known of a symbol; where that is nothing, or is too old, publish a request first.

        Any thread may ask; Kafka has the request when this returns.

        Raises:
            KafkaError: If the request could not be delivered in time.
        """
        with self._requesting:
            known = self.find(symbol)
            if known is not None:
                return known
            if self._waiting() >= self._most_waiting:
                reason = f"{self._most_waiting} other symbols are being fetched"
                return Backfill(symbol, "failed", None, datetime.now(UTC), reason)
            request = BackfillRequest(symbol=symbol)
            self._publisher.publish(self._topic, request)
            self.asked(request)
            return _requested(request)

    def find(self, symbol: str) -> Backfill | None:
        """Return what is known of a symbol; None if that is nothing, or too old to count."""
        now = datetime.now(UTC)
        request, event = self._requests.get(symbol), self._events.get(symbol)
        found = None if request is None else _requested(request)
        if event is not None and (request is None or request.id == event.request_id):
            found = _ended(event, now)
        return found if found is not None and now < found.stands_until else None

    def awaited(self, symbol: str) -> date | None:
        """Return the latest session that a symbol being fetched will have, `date.max` before that is known.

        None where nothing is being fetched.
        """
        found = self.find(symbol)
        if found is None or found.state != "fetching":
            return None
        event = self._events.get(symbol)
        told = event.last_session if event is not None and event.request_id == found.request_id else None
        return told or date.max

    def asked(self, request: BackfillRequest) -> None:
        """Note a request."""
        _remember(self._requests, request)

    def ended(self, event: BackfillEvent) -> None:
        """Note an outcome."""
        _remember(self._events, event)

    def close(self) -> None:
        """Let go of the connections."""
        self._publisher.close()

    def _waiting(self) -> int:
        found = map(self.find, list(self._requests))
        return sum(one is not None and one.state == "fetching" for one in found)


def _requested(request: BackfillRequest) -> Backfill:
    return Backfill(request.symbol, "fetching", request.id, request.requested_at)


def _ended(event: BackfillEvent, now: datetime) -> Backfill:
    if event.outcome == "failed":
        return Backfill(event.symbol, "failed", event.request_id, event.occurred_at, event.reason)
    if event.outcome == "unknown":
        return Backfill(event.symbol, "unavailable", event.request_id, event.occurred_at, event.reason)
    if now - event.occurred_at < _ON_THE_WAY:
        return Backfill(event.symbol, "fetching", event.request_id, event.occurred_at)
    reason = f"{event.reason}, the last on {event.last_session}, which is too old to forecast from"
    return Backfill(event.symbol, "unavailable", event.request_id, event.occurred_at, reason)


def _remember(kept: OrderedDict[str, T], event: T) -> None:
    kept[event.symbol] = event
    kept.move_to_end(event.symbol)
    if len(kept) > _REMEMBERED:
        kept.popitem(last=False)
