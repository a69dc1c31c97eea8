"""Training requests and what became of them, as the topics tell."""

from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, TypeVar
from uuid import UUID

from closecast.events import ModelEvent, TrainingRequest
from closecast.kafka import KafkaSettings
from closecast.telemetry.logs import get_logger
from closecast_predictor.registry import Registry
from closecast_predictor.requests import RequestPublisher

TrainingState = Literal["queued", "promoted", "rejected", "failed"]

_REMEMBERED: Final = 10_000
T = TypeVar("T")

_log = get_logger(__name__)


class RegistryUnavailableError(ConnectionError):
    """MLflow cannot be asked now; a later try may succeed."""


@dataclass(frozen=True, slots=True)
class Training:
    """One training request and its outcome.

    Attributes:
        id: The request.
        state: "queued" until the outcome arrives.
        model: Name of the registered model.
        symbols: Symbols that were asked for, or that the training saw; none for all.
        requested_at: When it was asked for; none where only the outcome is still known.
        version: Version that came of it.
        reason: Why the gate decided so, or what failed.
        metrics: Metrics of the candidate and of what it was compared with.
        finished_at: When the outcome was known.
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


class TrainingDesk:
    """Publishes training requests and knows the latest by id; of those that it has forgotten MLflow knows the outcome.

    Args:
        kafka: How to reach Kafka.
        registry: MLflow.
        capacity: Requests that are remembered.
    """

    def __init__(self, kafka: KafkaSettings, registry: Registry, capacity: int = _REMEMBERED) -> None:
        self._kafka = kafka
        self._registry = registry
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

    def close(self) -> None:
        """Let go of the connections."""
        self._publisher.close()

    def asked(self, request: TrainingRequest) -> None:
        """Note a request."""
        _remember(self._requests, request.id, request, self._capacity)

    def ended(self, event: ModelEvent) -> None:
        """Note an outcome."""
        _remember(self._outcomes, event.request_id, event, self._capacity)

    def find(self, request_id: UUID) -> Training | None:
        """Return what is known of a request, or None; asks MLflow where the topics do not tell the outcome.

        Raises:
            RegistryUnavailableError: If only MLflow could tell and it does not answer.
        """
        request = self._requests.get(request_id)
        event = self._outcomes.get(request_id) or self._recorded(request_id, known=request is not None)
        if event is not None:
            return _ended(event, request)
        if request is not None:
            return Training(request_id, "queued", request.model, request.symbols, request.requested_at)
        return None

    def _recorded(self, request_id: UUID, *, known: bool) -> ModelEvent | None:
        """Return the outcome from MLflow: Kafka keeps the latest outcome of each model only."""
        try:
            event = self._registry.outcome(request_id)
        except Exception as error:
            if not known:
                raise RegistryUnavailableError(f"MLflow does not tell: {error}") from error
            _log.warning("the outcome of a training cannot be asked for", request_id=str(request_id), error=str(error))
            return None
        if event is not None:
            self.ended(event)
        return event


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
