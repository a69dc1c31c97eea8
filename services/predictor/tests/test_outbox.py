import time

from kafka.admin import ConfigResource, ConfigResourceType
from services.predictor.tests.support import forecast_from, quotes_of

from closecast.events import Forecast
from closecast.kafka import KafkaSettings, begins_of, ensure_topics, new_consumer, partitions_of, read_to_end
from closecast.kafka.admin import connect_admin
from closecast_predictor.outbox import Outbox

WAIT_S = 60.0
FIRST, SECOND, THIRD = (forecast_from(quotes_of("PETR4.SA", count)) for count in (78, 79, 80))


def published(kafka: KafkaSettings) -> list[Forecast]:
    consumer = new_consumer(kafka, "test")
    start = begins_of(consumer, partitions_of(consumer, kafka.topics.forecasts))
    forecasts = [Forecast.from_bytes(record.value) for record in read_to_end(consumer, start)]
    consumer.close()
    return forecasts


def limit_forecasts(kafka: KafkaSettings, largest: int) -> None:
    """Have Kafka refuse forecasts of more bytes."""
    admin = connect_admin(kafka)
    limit = {"max.message.bytes": str(largest)}
    admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, kafka.topics.forecasts.name, limit)])
    admin.close()


def test_forecasts_are_on_the_topic_once_each(kafka_settings: KafkaSettings) -> None:
    ensure_topics(kafka_settings, kafka_settings.topics)
    outbox = Outbox(kafka_settings)

    outbox.publish([FIRST, SECOND])
    outbox.publish([THIRD])
    outbox.close()

    assert published(kafka_settings) == [FIRST, SECOND, THIRD]


def test_what_kafka_refused_goes_with_the_next_ones(kafka_settings: KafkaSettings) -> None:
    ensure_topics(kafka_settings, kafka_settings.topics)
    limit_forecasts(kafka_settings, 200)
    outbox = Outbox(kafka_settings)
    outbox.publish([FIRST])
    outbox.publish([SECOND])
    assert published(kafka_settings) == []

    limit_forecasts(kafka_settings, 1_000_000)
    deadline = time.monotonic() + WAIT_S
    while not published(kafka_settings):
        assert time.monotonic() < deadline
        outbox.publish([THIRD])
    outbox.close()

    assert {one.origin for one in published(kafka_settings)} == {FIRST.origin, SECOND.origin, THIRD.origin}
