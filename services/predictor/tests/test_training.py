from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from services.predictor.tests.registry import NothingRecorded, RunningTraining, record_outcome, settings_of

from closecast.events import ModelEvent, TrainingOutcome, TrainingRequest
from closecast.kafka import KafkaSettings, new_consumer, partitions_of, read_to_end
from closecast.kafka.admin import ensure_topics
from closecast.mlflow_settings import MlflowSettings
from closecast.ports import free_ports
from closecast_predictor.registry import Registry, RegistryUnavailableError
from closecast_predictor.runs import Progress, TrainingRuns
from closecast_predictor.training import TrainingDesk


@pytest.fixture
def desk() -> TrainingDesk:
    return TrainingDesk(KafkaSettings(), NothingRecorded(), capacity=3)


@pytest.fixture
def desk_without_mlflow() -> TrainingDesk:
    (port,) = free_ports(1)
    return TrainingDesk(
        KafkaSettings(), TrainingRuns(Registry(MlflowSettings(tracking_uri=f"http://127.0.0.1:{port}")))
    )


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


def test_a_request_is_known_by_itself_and_by_its_outcome(desk: TrainingDesk) -> None:
    asked, only_ended = TrainingRequest(model="m"), TrainingRequest(model="m")
    desk.asked(asked)
    desk.ended(outcome(only_ended, "rejected"))

    assert [desk.knows(request_id) for request_id in (asked.id, only_ended.id, uuid4())] == [True, True, False]


def test_an_unknown_request_is_none(desk: TrainingDesk) -> None:
    assert desk.find(uuid4()) is None


def test_without_mlflow_a_request_that_the_topic_knows_is_queued(desk_without_mlflow: TrainingDesk) -> None:
    request = TrainingRequest(model="closecast-panel")
    desk_without_mlflow.asked(request)

    found = desk_without_mlflow.find(request.id)

    assert found is not None
    assert found.state == "queued"


def test_without_mlflow_nothing_is_said_of_a_request_that_only_it_could_know(
    desk_without_mlflow: TrainingDesk,
) -> None:
    with pytest.raises(RegistryUnavailableError, match="MLflow does not answer"):
        desk_without_mlflow.find(uuid4())


def test_an_outcome_that_only_mlflow_knows_is_told(mlflow_server_uri: str) -> None:
    settings = settings_of(mlflow_server_uri)
    event = ModelEvent(request_id=uuid4(), model=settings.model, outcome="failed", reason="no such symbol")
    asked_again = uuid4()
    record_outcome(settings, event, asked_again)
    desk = TrainingDesk(KafkaSettings(), TrainingRuns(Registry(settings)))

    found = [desk.find(request_id) for request_id in (event.request_id, asked_again, uuid4())]

    assert [(one.id, one.state, one.reason) for one in found if one is not None] == [
        (event.request_id, "failed", "no such symbol"),
        (asked_again, "failed", "no such symbol"),
    ]


def test_a_training_under_way_tells_how_far_it_is(mlflow_server_uri: str) -> None:
    settings = settings_of(mlflow_server_uri)
    request = TrainingRequest(model=settings.model)
    running = RunningTraining(settings, request)

    def found() -> Progress | None:
        desk = TrainingDesk(KafkaSettings(), TrainingRuns(Registry(settings)))
        desk.asked(request)
        (latest,) = desk.latest(5)
        assert (latest.id, latest.state) == (request.id, "running")
        assert desk.find(request.id) == latest
        return latest.progress

    assert found() == Progress(None, 3, None, None)
    running.epoch(0, validation=0.5)
    assert found() == Progress(0, 3, None, 0.5)
    running.epoch(1, validation=0.4, training=0.45)
    assert found() == Progress(1, 3, 0.45, 0.4)


def test_the_latest_requests_come_first(desk: TrainingDesk) -> None:
    now = datetime.now(UTC)
    requests = [TrainingRequest(model="m", requested_at=now - timedelta(minutes=minutes)) for minutes in (2, 0, 1)]
    for request in requests:
        desk.asked(request)
    desk.ended(outcome(requests[2], "failed"))

    found = desk.latest(2)

    assert [(one.id, one.state) for one in found] == [(requests[1].id, "queued"), (requests[2].id, "failed")]


def test_without_mlflow_the_list_tells_what_the_topics_know(desk_without_mlflow: TrainingDesk) -> None:
    requests = [TrainingRequest(model="m") for _ in range(3)]
    for request in requests:
        desk_without_mlflow.asked(request)
    desk_without_mlflow.ended(outcome(requests[0], "promoted"))

    assert sorted(one.state for one in desk_without_mlflow.latest(3)) == ["promoted", "queued", "queued"]


def test_what_a_person_promoted_is_no_outcome_of_a_training(desk: TrainingDesk) -> None:
    request = TrainingRequest(model="closecast-panel")
    desk.asked(request)
    desk.ended(outcome(request, "promoted").model_copy(update={"decided_by": "person"}))

    found = desk.find(request.id)

    assert found is not None
    assert found.state == "queued"


def test_the_oldest_requests_are_forgotten(desk: TrainingDesk) -> None:
    requests = [TrainingRequest(model="closecast-panel") for _ in range(5)]
    for request in requests:
        desk.asked(request)

    assert [desk.find(request.id) is not None for request in requests] == [False, False, True, True, True]


def test_a_request_is_on_the_topic_when_it_is_accepted(kafka_settings: KafkaSettings) -> None:
    ensure_topics(kafka_settings, kafka_settings.topics)
    desk = TrainingDesk(kafka_settings, NothingRecorded())
    request = TrainingRequest(model="closecast-panel", symbols=("PETR4.SA",))

    desk.request(request)

    consumer = new_consumer(kafka_settings, "test")
    topic = kafka_settings.topics.training_requests
    records = read_to_end(consumer, dict.fromkeys(partitions_of(consumer, topic), 0))
    assert [TrainingRequest.from_bytes(record.value) for record in records] == [request]
    assert desk.find(request.id) is not None
    consumer.close()
    desk.close()
