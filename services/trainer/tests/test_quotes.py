"""How the trainer reads quotes from a real Kafka."""

from contextlib import closing
from pathlib import Path

from prometheus_client import CollectorRegistry
from services.trainer.tests.trainers import publish

from closecast.events import Quote
from closecast.kafka import InvalidRecordLimits, KafkaSettings, TransactionalPublisher, ensure_topics
from closecast_trainer.history import History
from closecast_trainer.metrics import TrainerMetrics
from closecast_trainer.quotes import QuoteFeed


def test_prometheus_sees_the_lag_while_quotes_are_read(
    kafka_settings: KafkaSettings, sample_quotes: list[Quote], tmp_path: Path
) -> None:
    registry = CollectorRegistry()
    ensure_topics(kafka_settings, kafka_settings.topics)
    publish(kafka_settings, kafka_settings.topics.quotes, sample_quotes)

    seen = []
    with (
        closing(History(tmp_path)) as history,
        closing(TransactionalPublisher(kafka_settings, "test", f"{kafka_settings.topic_prefix}test")) as publisher,
        closing(
            QuoteFeed(
                kafka_settings,
                client_id="test",
                history=history,
                publisher=publisher,
                limits=InvalidRecordLimits(),
                metrics=TrainerMetrics(registry),
            )
        ) as feed,
    ):
        while history.count_quotes() < len(sample_quotes):
            feed.poll(1)
            seen.append(registry.get_sample_value("closecast_trainer_quotes_lag") or 0)
        feed.poll(1)
        seen.append(registry.get_sample_value("closecast_trainer_quotes_lag") or 0)

    assert max(seen) > 0
    assert seen[-1] == 0
