import time

from services.predictor.tests.support import forecast_from, quotes_of

from closecast.events import Forecast
from closecast.kafka import KafkaSettings, begins_of, ensure_topics, new_consumer, partitions_of, read_to_end
from closecast_predictor.outbox import Outbox
from tests.support.kafka.broker import KafkaBroker

WAIT_S = 60.0
FIRST, SECOND, THIRD = (forecast_from(quotes_of("PETR4.SA", count)) for count in (78, 79, 80))


def published(kafka: KafkaSettings) -> list[Forecast]:
    consumer = new_consumer(kafka, "test")
    start = begins_of(consumer, partitions_of(consumer, kafka.topics.forecasts))
    forecasts = [Forecast.from_bytes(record.value) for record in read_to_end(consumer, start)]
    consumer.close()
    return forecasts


def test_forecasts_are_on_the_topic_once_each(kafka_settings: KafkaSettings) -> None:
    ensure_topics(kafka_settings, kafka_settings.topics)
    outbox = Outbox(kafka_settings)

    outbox.publish([FIRST, SECOND])
    outbox.publish([THIRD])
    outbox.close()

    assert published(kafka_settings) == [FIRST, SECOND, THIRD]


def test_what_could_not_be_delivered_goes_with_the_next_ones(own_kafka_broker: KafkaBroker) -> None:
    kafka = own_kafka_broker.settings(partitions=1)
    ensure_topics(kafka, kafka.topics)
    outbox = Outbox(kafka)
    outbox.publish([FIRST])
    own_kafka_broker.kill()
    outbox.publish([SECOND])

    own_kafka_broker.start()
    deadline = time.monotonic() + WAIT_S
    while len(published(kafka)) == 1:
        assert time.monotonic() < deadline
        outbox.publish([THIRD])
    outbox.close()

    assert {one.origin for one in published(kafka)} == {FIRST.origin, SECOND.origin, THIRD.origin}
