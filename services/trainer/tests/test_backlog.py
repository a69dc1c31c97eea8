"""A trainer that starts finds years of quotes, and a request beside them."""

from pathlib import Path

import pytest
from mlflow.tracking import MlflowClient
from services.trainer.tests.trainers import TrainerThread, outcomes_of, publish, settings_of, wait_for

from closecast.events import Quote, TrainingRequest
from closecast.kafka import KafkaSettings

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def test_a_request_waits_for_the_quotes_that_were_there_before_it(
    kafka_settings: KafkaSettings, mlflow_server_uri: str, sample_quotes: list[Quote], tmp_path: Path
) -> None:
    settings = settings_of(kafka_settings, mlflow_server_uri, tmp_path)
    publish(kafka_settings, kafka_settings.topics.quotes, sample_quotes)
    publish(kafka_settings, kafka_settings.topics.training_requests, [TrainingRequest(model=settings.mlflow.model)])

    with TrainerThread(settings) as trainer:
        event, *_ = wait_for(lambda: outcomes_of(kafka_settings), "the outcome", check=trainer.require_alive)

    assert event.outcome != "failed", event.reason
    run = MlflowClient(tracking_uri=mlflow_server_uri).get_run(str(event.run_id))
    assert run.data.params["data.rows"] == str(len(sample_quotes))
