"""Trainers that are stopped, killed, or kept from their history."""

import subprocess
import sys
import time
from pathlib import Path

import pytest
from kafka import TopicPartition
from mlflow.tracking import MlflowClient
from services.trainer.tests.trainers import (
    TrainerProcess,
    TrainerThread,
    lag_of,
    outcomes_of,
    publish,
    runs_of,
    settings_of,
    wait_for,
)

from closecast.events import Quote, TrainingRequest
from closecast.kafka import KafkaSettings

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

LONG = {"epochs": 500, "patience": 500, "hidden_size": 64, "layers": 2, "sequence_length": 64}
"""A training that no test waits for."""


def test_a_stop_in_the_middle_of_a_training_is_quick_and_the_training_is_done_after_the_next_start(
    kafka_settings: KafkaSettings, mlflow_server_uri: str, sample_quotes: list[Quote], tmp_path: Path
) -> None:
    kafka = kafka_settings
    client = MlflowClient(tracking_uri=mlflow_server_uri)
    long = settings_of(kafka, mlflow_server_uri, tmp_path, training=LONG)
    request = TrainingRequest(model=long.mlflow.model)
    publish(kafka, kafka.topics.quotes, sample_quotes)
    publish(kafka, kafka.topics.training_requests, [request])
    with TrainerProcess(long, tmp_path / "log") as trainer:
        wait_for(lambda: trainer.has_logged('"epoch": 2'), "an epoch", check=trainer.require_alive)
        began = time.monotonic()
        trainer.process.terminate()
        assert trainer.process.wait(20) == 0
        assert time.monotonic() - began < 20
    assert "Traceback" not in trainer.log.read_text()
    assert [run.info.status for run in runs_of(client, long.mlflow.experiment)] == ["KILLED"]
    assert outcomes_of(kafka) == []
    assert lag_of(kafka, long.group.id)[TopicPartition(kafka.topics.training_requests.name, 0)] > 0
    with TrainerThread(settings_of(kafka, mlflow_server_uri, tmp_path)) as successor:
        wait_for(lambda: outcomes_of(kafka), "the outcome", check=successor.require_alive)
    (event,) = outcomes_of(kafka)
    assert event.request_id == request.id
    assert sorted(run.info.status for run in runs_of(client, long.mlflow.experiment)) == ["FINISHED", "KILLED"]
    assert len(client.search_model_versions(f"name = '{event.model}'")) == 1


def test_a_second_trainer_takes_over_from_one_that_was_killed(
    kafka_settings: KafkaSettings, mlflow_server_uri: str, sample_quotes: list[Quote], tmp_path: Path
) -> None:
    kafka = kafka_settings
    client = MlflowClient(tracking_uri=mlflow_server_uri)
    first = settings_of(kafka, mlflow_server_uri, tmp_path / "first", training=LONG)
    second = settings_of(kafka, mlflow_server_uri, tmp_path / "second")
    request = TrainingRequest(model=first.mlflow.model)
    publish(kafka, kafka.topics.quotes, sample_quotes[:-50])
    publish(kafka, kafka.topics.training_requests, [request])
    (tmp_path / "first").mkdir()
    with TrainerProcess(first, tmp_path / "first" / "log") as leader:
        wait_for(lambda: leader.has_logged('"epoch": 1'), "an epoch", check=leader.require_alive)
        with TrainerThread(second) as heir:
            # It joins, takes nothing from the one that works, and waits.
            time.sleep(8)
            assert heir.metric("leader") == 0
            assert not leader.has_logged("no longer active")
            leader.process.kill()
            publish(kafka, kafka.topics.quotes, sample_quotes[-50:])
            wait_for(lambda: heir.metric("leader"), "the takeover", 30, check=heir.require_alive)
            wait_for(lambda: outcomes_of(kafka), "the outcome", check=heir.require_alive)
            wait_for(lambda: heir.metric("quotes_total") == len(sample_quotes), "all quotes", 30)
            wait_for(lambda: set(lag_of(kafka, second.group.id).values()) == {0}, "no lag", 20)
    (event,) = outcomes_of(kafka)
    assert event.request_id == request.id
    assert sorted(run.info.status for run in runs_of(client, second.mlflow.experiment)) == ["FINISHED", "KILLED"]
    assert len(client.search_model_versions(f"name = '{event.model}'")) == 1


def test_a_trainer_waits_for_a_history_that_another_process_holds(
    kafka_settings: KafkaSettings, mlflow_server_uri: str, sample_quotes: list[Quote], tmp_path: Path
) -> None:
    settings = settings_of(kafka_settings, mlflow_server_uri, tmp_path)
    publish(kafka_settings, kafka_settings.topics.quotes, sample_quotes[:100])
    program = (
        "import sys; from pathlib import Path; from closecast_trainer.history import History; "
        f"history = History(Path({str(settings.state_dir)!r})); print('open', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "open\n"
        with TrainerThread(settings) as trainer:
            time.sleep(5)
            trainer.require_alive()
            assert trainer.metric("leader") == 0
            holder.kill()
            wait_for(lambda: trainer.metric("quotes_total") == 100, "the quotes", 30, check=trainer.require_alive)
