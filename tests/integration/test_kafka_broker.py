"""The broker that the other tests rely on."""

from closecast.kafka import KafkaSettings, ensure_topics, new_consumer, new_producer
from tests.support.kafka import KafkaBroker


def test_it_keeps_what_it_acknowledged_when_it_is_killed(own_kafka_broker: KafkaBroker) -> None:
    settings = own_kafka_broker.settings()
    ensure_topics(settings, settings.topics)
    _send(settings, b"kept")

    own_kafka_broker.kill()
    own_kafka_broker.start()

    consumer = new_consumer(settings, "tests", settings.topics.quotes.name, consumer_timeout_ms=10_000)
    assert next(iter(consumer)).value == b"kept"
    consumer.close()


def test_tests_do_not_see_each_others_topics(kafka_broker: KafkaBroker) -> None:
    assert kafka_broker.settings().topics.quotes.name != kafka_broker.settings().topics.quotes.name


def _send(settings: KafkaSettings, value: bytes) -> None:
    producer = new_producer(settings, "tests")
    producer.send(settings.topics.quotes.name, value, key=b"key").get(timeout=30)
    producer.close()
