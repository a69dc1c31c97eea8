"""Kafka dies under a running trainer and comes back: it goes on by itself, and nothing is lost."""

import time
from pathlib import Path

import pytest
from services.trainer.tests.trainers import TrainerThread, outcomes_of, publish, records_of, settings_of, wait_for
from tests.support.kafka.broker import KafkaBroker

from closecast.events import Quote, TrainingRequest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

AWAY_S = 8.0
"""Longer than the trainer's place in the group is kept."""


def test_a_trainer_outlives_its_broker(
    own_kafka_broker: KafkaBroker, mlflow_server_uri: str, sample_quotes: list[Quote], tmp_path: Path
) -> None:
    kafka = own_kafka_broker.settings()
    settings = settings_of(kafka, mlflow_server_uri, tmp_path)
    before, after = (TrainingRequest(model=settings.mlflow.model) for _ in range(2))
    publish(kafka, kafka.topics.quotes, sample_quotes[:-5])
    with TrainerThread(settings) as trainer:
        publish(kafka, kafka.topics.training_requests, [before])
        wait_for(lambda: trainer.metric("training"), "a training", check=trainer.require_alive)
        own_kafka_broker.kill()
        time.sleep(AWAY_S)
        trainer.require_alive()
        own_kafka_broker.start()
        wait_for(
            lambda: outcomes_of(kafka),
            "the outcome of the training that lost its broker",
            180,
            check=trainer.require_alive,
        )

        publish(kafka, kafka.topics.quotes, sample_quotes[-5:])
        wait_for(lambda: trainer.metric("quotes_total") >= len(sample_quotes), "the late quotes", 120)
        publish(kafka, kafka.topics.training_requests, [after])
        wait_for(
            lambda: any(event.request_id == after.id for event in outcomes_of(kafka)),
            "the next outcome",
            180,
            check=trainer.require_alive,
        )

    # The first request may come twice, because its offset could not be committed; it is trained once.
    events = outcomes_of(kafka)
    assert list(dict.fromkeys(event.request_id for event in events)) == [before.id, after.id]
    assert len({event.run_id for event in events if event.request_id == before.id}) == 1
    assert records_of(kafka, kafka.topics.quotes.dead_letters) == []
