"""Training requests and what became of them, as the topics tell."""

from collections import OrderedDict
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Literal, TypeVar
from uuid import UUID

from closecast.events import ModelEvent, TrainingRequest
from closecast.kafka import KafkaSettings
from closecast.telemetry.logs import get_logger
from closecast_predictor.registry import RegistryUnavailableError
from closecast_predictor.requests import RequestPublisher
from closecast_predictor.runs import Progress, TrainingRuns

TrainingState = Literal["queued", "running", "promoted", "rejected", "failed"]

_REMEMBERED: Final = 10_000
T = TypeVar("T")

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Training:
    """One training request and its outcome.

    Attributes:
        id: The request.
        state: "queued" until the training begins, "running" until the outcome arrives.
        model: Name of the registered model.
        symbols: Symbols that were asked for, or that the training saw; none for all.
        requested_at: When it was asked for; none where only the outcome is still known.
        version: Version that came of it.
        reason: Why the gate decided so, or what failed.
        metrics: Metrics of the candidate and of what it was compared with.
        finished_at: When the outcome was known.
        progress: How far it is, while it runs.
    """

    id: UUID
    state: TrainingState
    model: str
    symbols: tuple[str, ...]
    requested_at: datetime | None = None
    version: str | None = None
    reason: str | None = None
    metrics: dict[str, dict[str, float]] | None = None
    finished_at: datetime | None = None
    progress: Progress | None = None


class TrainingDesk:
    """Publishes training requests and knows the latest by id; of those that it has forgotten MLflow knows the outcome.

    Args:
        kafka: How to reach Kafka.
        runs: The trainings in MLflow.
        capacity: Requests that are remembered.
    """

    def __init__(self, kafka: KafkaSettings, runs: TrainingRuns, capacity: int = _REMEMBERED) -> None:
        self._kafka = kafka
        self._runs = runs
        self._capacity = capacity
        self._publisher = RequestPublisher(kafka, "closecast-predictor-training")
        self._requests: OrderedDict[UUID, TrainingRequest] = OrderedDict()
        self._outcomes: OrderedDict[UUID, ModelEvent] = OrderedDict()

    def request(self, request: TrainingRequest) -> None:
        """Publish a request and return once Kafka has it; any thread may.

        Raises:
            KafkaError: If it could not be delivered in time.
        """
        self._publisher.publish(self._kafka.topics.training_requests, request)
        self.asked(request)

    def announce(self, promotion: ModelEvent) -> None:
        """Publish a person's promotion and return once Kafka has it; any thread may.

        Raises:
            KafkaError: If it could not be delivered in time.
        """
        self._publisher.publish(self._kafka.topics.models, promotion)

    def close(self) -> None:
        """Let go of the connections."""
        self._publisher.close()

    def knows(self, request_id: UUID) -> bool:
        """Tell whether a request has been made, by whomever, as far as the topics still tell; any thread may ask."""
        return request_id in self._requests or request_id in self._outcomes

    def asked(self, request: TrainingRequest) -> None:
        """Note a request."""
        _remember(self._requests, request.id, request, self._capacity)

    def ended(self, event: ModelEvent) -> None:
        """Note an outcome; what a person promoted is none."""
        if event.decided_by != "gate":
            return
        _remember(self._outcomes, event.request_id, event, self._capacity)

    def find(self, request_id: UUID) -> Training | None:
        """Return what is known of a request, or None; asks MLflow where the topics do not tell the outcome.

        Raises:
            RegistryUnavailableError: If only MLflow could tell and it does not answer.
        """
        request, event = self._requests.get(request_id), self._outcomes.get(request_id)
        if event is not None:
            return _ended(event, request)
        try:
            return self._recorded(request_id, request)
        except RegistryUnavailableError as error:
            if request is None:
                raise
            _log.warning("the outcome of a training cannot be asked for", request_id=str(request_id), error=str(error))
            return _open(request)

    def latest(self, limit: int) -> list[Training]:
        """Return the latest requests that Kafka still has, the latest first, and what is known of them."""
        requests = sorted(self._requests.copy().values(), key=lambda request: request.requested_at, reverse=True)
        found: list[Training] = []
        reachable = True
        for request in requests[:limit]:
            event = self._outcomes.get(request.id)
            recorded = None
            if event is None and reachable:
                try:
                    recorded = self._recorded(request.id, request)
                except RegistryUnavailableError as error:
                    reachable = False
                    _log.warning("outcomes of trainings cannot be asked for", error=str(error))
            found.append(_ended(event, request) if event is not None else recorded or _open(request))
        return found

    def _recorded(self, request_id: UUID, request: TrainingRequest | None) -> Training | None:
        """Return what MLflow knows: Kafka keeps the latest outcome of each model only, and no progress."""
        found = self._runs.find(request_id)
        if isinstance(found, ModelEvent):
            self.ended(found)
            return _ended(found, request)
        if request is None:
            return None
        return _open(request) if found is None else replace(_open(request), state="running", progress=found)


def _open(request: TrainingRequest) -> Training:
    return Training(request.id, "queued", request.model, request.symbols, request.requested_at)


def _ended(event: ModelEvent, request: TrainingRequest | None) -> Training:
    return Training(
        id=event.request_id,
        state=event.outcome,
        model=event.model,
        symbols=event.symbols,
        requested_at=None if request is None else request.requested_at,
        version=event.version,
        reason=event.reason,
        metrics=event.metrics,
        finished_at=event.occurred_at,
    )


def _remember(kept: OrderedDict[UUID, T], key: UUID, value: T, capacity: int) -> None:
    kept[key] = value
    if len(kept) > capacity:
        kept.popitem(last=False)
