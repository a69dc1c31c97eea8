import socket
import threading

import pytest
from tests.support.kafka import KafkaBroker

from closecast.kafka import BrokerUnavailableError, KafkaSettings, MissingTopicError, StoppedError, ensure_topics
from closecast.kafka.admin import connect_admin
from closecast.telemetry.readiness import KAFKA, READINESS
from closecast.topics import DEFAULT_PREFIX


def test_missing_topics_are_created_as_documented_and_the_rest_stays(kafka_settings: KafkaSettings) -> None:
    ensure_topics(kafka_settings, kafka_settings.topics)
    ensure_topics(kafka_settings.model_copy(update={"partitions": 9}), kafka_settings.topics)
    admin = connect_admin(kafka_settings)
    assert KAFKA not in READINESS.missing
    described = {
        found["name"]: len(found["partitions"])
        for found in admin.describe_topics([t.name for t in kafka_settings.topics])
    }
    admin.close()
    topics = kafka_settings.topics
    assert described[topics.quotes.name] == kafka_settings.partitions
    assert described[topics.training_requests.name] == 1
    assert set(described) == {topic.name for topic in topics}


def test_no_broker_gives_one_clear_line() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = KafkaSettings(bootstrap_servers=f"127.0.0.1:{port}", connect_timeout_s=1)
    with pytest.raises(BrokerUnavailableError, match=f"no Kafka broker answers at 127.0.0.1:{port} after 1 s"):
        ensure_topics(settings, settings.topics)
    assert READINESS.missing == {KAFKA: f"no broker answers at 127.0.0.1:{port}"}


def test_a_start_that_waits_for_a_broker_can_be_stopped() -> None:
    settings = KafkaSettings(bootstrap_servers="127.0.0.1:9", connect_timeout_s=3600)
    stop = threading.Event()
    threading.Timer(0.2, stop.set).start()
    with pytest.raises(StoppedError):
        ensure_topics(settings, settings.topics, stop)


def test_topics_that_are_there_suffice_for_a_user_who_may_not_make_any(guarded_kafka_broker: KafkaBroker) -> None:
    settings = guarded_kafka_broker.settings_of("closecast-predictor", topic_prefix=DEFAULT_PREFIX)

    ensure_topics(settings, [settings.topics.quotes])

    # It is there, but hidden from those who have no business with it.
    with pytest.raises(MissingTopicError, match=r"quotes\.dead-letters is not there, or this user may not see it"):
        ensure_topics(settings, [settings.topics.quotes.dead_letters])


def test_a_topic_that_is_missing_and_may_not_be_made_is_named(guarded_kafka_broker: KafkaBroker) -> None:
    settings = guarded_kafka_broker.settings_of("closecast-ingestor", topic_prefix="other.")

    with pytest.raises(MissingTopicError, match=r"topic other\.quotes is not there"):
        ensure_topics(settings, settings.topics)
