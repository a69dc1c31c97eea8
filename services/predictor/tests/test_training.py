from uuid import uuid4

import pytest

from closecast.events import ModelEvent, TrainingOutcome, TrainingRequest
from closecast.kafka import KafkaSettings, new_consumer, partitions_of, read_to_end
from closecast.kafka.admin import ensure_topics
from closecast_predictor.training import TrainingDesk


@pytest.fixture
def desk() -> TrainingDesk:
    return TrainingDesk(KafkaSettings(), capacity=3)


def outcome(request: TrainingRequest, kind: TrainingOutcome) -> ModelEvent:
    return ModelEvent(
        request_id=request.id,
        model=request.model,
        outcome=kind,
        version="4",
        reason="because",
        metrics={"candidate": {"mqloss": 0.01}},
    )


def test_a_request_is_queued_until_its_outcome_is_known(desk: TrainingDesk) -> None:
    request = TrainingRequest(model="closecast-panel", symbols=("PETR4.SA",))
    desk.asked(request)

    found = desk.find(request.id)

    assert found is not None
    assert (found.state, found.symbols, found.requested_at) == ("queued", ("PETR4.SA",), request.requested_at)


@pytest.mark.parametrize("kind", ["promoted", "rejected", "failed"])
def test_an_outcome_is_told_with_its_reason(desk: TrainingDesk, kind: TrainingOutcome) -> None:
    request = TrainingRequest(model="closecast-panel")
    desk.asked(request)
    desk.ended(outcome(request, kind))

    found = desk.find(request.id)

    assert found is not None
    assert (found.state, found.version, found.reason) == (kind, "4", "because")
    assert found.metrics == {"candidate": {"mqloss": 0.01}}
    assert found.requested_at == request.requested_at


def test_an_outcome_whose_request_is_gone_is_still_known(desk: TrainingDesk) -> None:
    request = TrainingRequest(model="closecast-panel")
    desk.ended(outcome(request, "promoted"))

    found = desk.find(request.id)

    assert found is not None
    assert (found.state, found.requested_at) == ("promoted", None)


def test_an_unknown_request_is_none(desk: TrainingDesk) -> None:
    assert desk.find(uuid4()) is None


def test_the_oldest_requests_are_forgotten(desk: TrainingDesk) -> None:
    requests = [TrainingRequest(model="closecast-panel") for _ in range(5)]
    for request in requests:
        desk.asked(request)

    assert [desk.find(request.id) is not None for request in requests] == [False, False, True, True, True]


def test_a_request_is_on_the_topic_when_it_is_accepted(kafka_settings: KafkaSettings) -> None:
    ensure_topics(kafka_settings, kafka_settings.topics)
    desk = TrainingDesk(kafka_settings)
    request = TrainingRequest(model="closecast-panel", symbols=("PETR4.SA",))

    desk.request(request)

    consumer = new_consumer(kafka_settings, "test")
    topic = kafka_settings.topics.training_requests
    records = read_to_end(consumer, dict.fromkeys(partitions_of(consumer, topic), 0))
    assert [TrainingRequest.from_bytes(record.value) for record in records] == [request]
    assert desk.find(request.id) is not None
    consumer.close()
    desk.close()
