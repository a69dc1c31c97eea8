"""What drift leads to: an alarm for as long as it lasts, and one training for each version."""

import queue
import threading
import time
from collections.abc import Iterator
from uuid import UUID

import pytest
from kafka.errors import KafkaTimeoutError
from prometheus_client import REGISTRY
from services.predictor.tests.live import MODEL, VERSION, by_symbol, scores_of
from services.predictor.tests.registry import NothingRecorded
from structlog.testing import capture_logs

from closecast.events import BASE_VERSION, TrainingRequest
from closecast.kafka import begins_of, ensure_topics, new_consumer, partitions_of, read_to_end
from closecast.model_names import ModelNames
from closecast_predictor.alarms import DriftAlarms, request_for
from closecast_predictor.drift import DriftSettings
from closecast_predictor.training import TrainingDesk
from tests.support.kafka.broker import KafkaBroker

WAIT_S = 10.0
NAMES = ModelNames(MODEL)
OWN = NAMES.own("SYM0")


class Topic:
    """Takes requests as the desk does, unless it is away; it is known to all what it holds."""

    def __init__(self) -> None:
        self.attempts: queue.SimpleQueue[TrainingRequest] = queue.SimpleQueue()
        self.held: list[TrainingRequest] = []
        self.away = False
        self.answers = threading.Event()
        self.answers.set()

    def knows(self, request_id: UUID) -> bool:
        return any(request.id == request_id for request in self.held)

    def request(self, request: TrainingRequest) -> None:
        self.attempts.put(request)
        self.answers.wait(WAIT_S)
        if self.away:
            raise KafkaTimeoutError
        self.held.append(request)

    def next_attempt(self) -> TrainingRequest:
        return self.attempts.get(timeout=WAIT_S)


@pytest.fixture
def topic() -> Topic:
    return Topic()


@pytest.fixture
def alarms(topic: Topic) -> Iterator[DriftAlarms]:
    alarms = DriftAlarms(DriftSettings(), NAMES, topic, retry_s=0.01)
    yield alarms
    alarms.close()


def look(alarms: DriftAlarms, *, model: str = MODEL, version: str = VERSION, width: float = 1.0, seed: int = 0) -> None:
    symbols = ["SYM0"] if model == OWN else 20
    scores = scores_of(symbols, width=width, seed=seed, model=model, version=version)
    alarms.look(by_symbol(scores), {model: version})


def raised(model: str = MODEL) -> dict[str, float | None]:
    labels = [{"model": model, "kind": kind} for kind in ("error", "coverage")]
    return {one["kind"]: REGISTRY.get_sample_value("closecast_predictor_drift", one) for one in labels}


def nothing_more_is_asked_for(topic: Topic, alarms: DriftAlarms) -> bool:
    """Tell whether all that was asked for before another request, which is sent last, has been seen."""
    look(alarms, version="the-last", width=0.2)
    return topic.next_attempt().id == request_for(MODEL, "the-last", None).id


def test_before_anything_is_known_there_is_no_alarm(alarms: DriftAlarms) -> None:
    assert raised() == {"error": 0, "coverage": 0}
    look(alarms)
    assert raised() == {"error": 0, "coverage": 0}


def test_drift_raises_an_alarm_that_says_what_drifts_and_asks_for_a_training(alarms: DriftAlarms, topic: Topic) -> None:
    with capture_logs() as lines:
        look(alarms, width=0.2)
        asked = topic.next_attempt()

    assert raised() == {"error": 0, "coverage": 1}
    assert (asked.model, asked.reason, asked.symbols) == (MODEL, "drift", ())
    (line,) = [line for line in lines if line["log_level"] == "warning"]
    assert line["event"] == "live forecasts drift"
    assert (line["model"], line["version"], line["drifts"]) == (MODEL, VERSION, ["coverage"])
    assert (line["sessions"], line["symbols"]) == (20, 20)
    assert line["coverage"] < 0.5
    assert line["error_ratio"] == pytest.approx(1, abs=0.1)


def test_drift_that_goes_on_is_told_and_asked_for_once(alarms: DriftAlarms, topic: Topic) -> None:
    with capture_logs() as lines:
        for seed in range(5):
            look(alarms, width=0.2, seed=seed)
    asked = topic.next_attempt()

    assert asked.id == request_for(MODEL, VERSION, None).id
    assert nothing_more_is_asked_for(topic, alarms)
    assert [line["event"] for line in lines if line["log_level"] == "warning"] == ["live forecasts drift"]
    assert raised()["coverage"] == 1


def test_drift_that_comes_again_raises_the_alarm_again_but_asks_for_nothing(alarms: DriftAlarms, topic: Topic) -> None:
    look(alarms, width=0.2)
    topic.next_attempt()
    look(alarms)
    assert raised()["coverage"] == 0
    look(alarms, width=0.2)

    assert raised()["coverage"] == 1
    assert nothing_more_is_asked_for(topic, alarms)


def test_another_version_begins_without_an_alarm_and_may_ask_in_its_turn(alarms: DriftAlarms, topic: Topic) -> None:
    look(alarms, width=0.2)
    first = topic.next_attempt()

    alarms.look({}, {MODEL: "4"})
    assert raised() == {"error": 0, "coverage": 0}
    look(alarms, version="4", width=0.2)

    assert topic.next_attempt().id == request_for(MODEL, "4", None).id != first.id


def test_a_symbols_own_model_asks_for_its_own_training(alarms: DriftAlarms, topic: Topic) -> None:
    look(alarms, model=OWN, width=0.01)

    asked = topic.next_attempt()

    assert (asked.model, asked.symbols, asked.reason) == (OWN, ("SYM0",), "drift")
    assert NAMES.mismatch(asked.model, asked.symbols) is None
    assert raised(OWN)["coverage"] == 1
    alarms.look({}, {MODEL: VERSION})
    assert raised(OWN) == {"error": 0, "coverage": 0}, "it does not speak any more"


def test_the_base_raises_an_alarm_but_asks_for_nothing(alarms: DriftAlarms, topic: Topic) -> None:
    look(alarms, version=BASE_VERSION, width=0.2)

    assert raised()["coverage"] == 1
    assert nothing_more_is_asked_for(topic, alarms)


def test_an_alarm_can_be_had_without_a_training(topic: Topic) -> None:
    alarms = DriftAlarms(DriftSettings(request_training=False), NAMES, topic)

    look(alarms, width=0.2)

    assert raised()["coverage"] == 1
    assert topic.attempts.empty()


def test_what_the_topic_holds_is_not_asked_for_again(alarms: DriftAlarms, topic: Topic) -> None:
    topic.held.append(request_for(MODEL, VERSION, None))

    look(alarms, width=0.2)

    assert raised()["coverage"] == 1
    assert nothing_more_is_asked_for(topic, alarms)


def test_while_kafka_is_away_it_is_tried_again_and_then_sent_once(alarms: DriftAlarms, topic: Topic) -> None:
    topic.away = True
    look(alarms, width=0.2)
    tried = [topic.next_attempt() for _ in range(3)]
    topic.away = False
    look(alarms, width=0.2, seed=1)
    look(alarms, version="the-last", width=0.2)
    while topic.next_attempt().id != request_for(MODEL, "the-last", None).id:
        pass

    expected = request_for(MODEL, VERSION, None).id
    assert {request.id for request in tried} == {expected}
    assert [request.id for request in topic.held].count(expected) == 1


def test_what_was_asked_for_while_the_brokers_were_down_is_on_the_topic_once(own_kafka_broker: KafkaBroker) -> None:
    kafka = own_kafka_broker.settings(partitions=1)
    ensure_topics(kafka, kafka.topics)
    desk = TrainingDesk(kafka, NothingRecorded())
    alarms = DriftAlarms(DriftSettings(), NAMES, desk, retry_s=0.1)
    own_kafka_broker.kill()
    look(alarms, width=0.2)

    own_kafka_broker.start()
    expected = request_for(MODEL, VERSION, None).id
    deadline = time.monotonic() + 6 * WAIT_S
    while not desk.knows(expected):
        assert time.monotonic() < deadline
        look(alarms, width=0.2, seed=1)
        time.sleep(0.05)
    alarms.close()
    desk.close()

    consumer = new_consumer(kafka, "test")
    records = read_to_end(consumer, begins_of(consumer, partitions_of(consumer, kafka.topics.training_requests)))
    assert [TrainingRequest.from_bytes(record.value).id for record in records] == [expected]
    consumer.close()


def test_a_kafka_that_does_not_answer_holds_nobody_up(alarms: DriftAlarms, topic: Topic) -> None:
    topic.answers.clear()
    look(alarms, width=0.2)
    topic.next_attempt()

    look(alarms, width=0.2, seed=1)
    look(alarms)

    assert raised()["coverage"] == 0, "it was judged while the request waits"
    assert topic.held == []
    topic.answers.set()


def test_who_stops_leaves_no_alarm_behind(alarms: DriftAlarms) -> None:
    look(alarms, width=0.2)

    alarms.close()

    assert raised() == {"error": 0, "coverage": 0}


def test_two_predictors_ask_for_the_same_training() -> None:
    assert request_for(MODEL, "3", None).id == request_for(MODEL, "3", None).id
    assert len({request_for(model, version, None).id for model in "ab" for version in "12"}) == 4
