"""The trainer on a real Kafka and a real MLflow, on real quotes: one that runs through all tests of this module."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from kafka import TopicPartition
from mlflow.tracking import MlflowClient
from services.trainer.tests.faulty_proxy import FaultyProxy
from services.trainer.tests.trainers import (
    SMALL,
    TrainerThread,
    lag_of,
    outcomes_of,
    publish,
    records_of,
    runs_of,
    settings_of,
    wait_for,
)
from tests.support.kafka.broker import KafkaBroker

from closecast.events import Hyperparameters, ModelEvent, Quote, TrainingRequest
from closecast.forecasting.bundle import Bundle
from closecast.forecasting.card import CARD_FILE, CARD_PAGE, ModelCard
from closecast.forecasting.panel import Panel
from closecast.forecasting.spec import ModelSpec
from closecast.kafka import KafkaSettings, TooManyInvalidRecordsError
from closecast.mlflow_settings import ARTIFACT_PATH, CHALLENGER, CHAMPION
from closecast_trainer.settings import TrainerSettings

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@dataclass(frozen=True)
class Installation:
    """A running trainer after its first training, which the data themselves called for."""

    settings: TrainerSettings
    trainer: TrainerThread
    client: MlflowClient
    refused: list[bytes | None]
    first: ModelEvent

    def answers(self, *requests: TrainingRequest, raw: tuple[bytes, ...] = ()) -> list[ModelEvent]:
        """Publish requests, and return their outcomes; an outcome may come twice, as a busy trainer loses its place."""
        kafka, wanted = self.settings.kafka, [request.id for request in requests]
        before = len(outcomes_of(kafka))
        publish(kafka, kafka.topics.training_requests, requests, raw=raw)

        def answered() -> dict[UUID, ModelEvent] | None:
            events = {event.request_id: event for event in outcomes_of(kafka)[before:]}
            return events if events.keys() >= set(wanted) else None

        events = wait_for(answered, "the outcomes", check=self.trainer.require_alive)
        return [events[request_id] for request_id in wanted]


@pytest.fixture(scope="module")
def installation(
    kafka_broker: KafkaBroker,
    mlflow_server_uri: str,
    sample_quotes: list[Quote],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Installation]:
    kafka = kafka_broker.settings()
    settings = settings_of(
        kafka,
        mlflow_server_uri,
        tmp_path_factory.mktemp("trainer"),
        policy={"quiet_s": 1.0, "retrain_after_sessions": 21},
        group={"id": kafka.topic_prefix, "session_timeout_s": 6, "max_poll_interval_s": 5},
    )
    newer = json.loads(sample_quotes[-1].to_bytes()) | {"schema_version": "1.7", "mood": "bullish"}
    refused = [b"{", None, json.dumps(newer | {"schema_version": "2.0"}).encode()]
    publish(kafka, kafka.topics.quotes, sample_quotes[:-10], raw=refused)
    with TrainerThread(settings) as trainer:
        wait_for(lambda: trainer.metric("training"), "a training", check=trainer.require_alive)
        # Quotes flow on while it trains, which takes longer than a member of the group may go without polling.
        publish(kafka, kafka.topics.quotes, sample_quotes[-10:-1], raw=[json.dumps(newer).encode()])
        wait_for(lambda: trainer.metric("quotes_total") == len(sample_quotes), "the late quotes", 120)
        assert trainer.metric("training") == 1
        wait_for(lambda: outcomes_of(kafka), "the first outcome", check=trainer.require_alive)
        first, *_ = outcomes_of(kafka)
        yield Installation(settings, trainer, MlflowClient(tracking_uri=mlflow_server_uri), refused, first)


def test_enough_sessions_become_a_judged_version(installation: Installation) -> None:
    first, settings = installation.first, installation.settings
    assert first.outcome in {"promoted", "rejected"}
    assert first.symbols == ("AAPL", "IBM", "MSFT")
    assert set(first.metrics) == {"candidate", "naive", "drift", "ewma", "base"}
    alias = CHAMPION if first.outcome == "promoted" else CHALLENGER
    version = installation.client.get_model_version_by_alias(settings.mlflow.model, alias)
    assert (version.version, version.run_id) == (first.version, first.run_id)
    assert version.description == f"{first.outcome}: {first.reason}\n\nModel card: `model/card.md` of its run."


def test_a_training_longer_than_the_poll_interval_keeps_its_place_in_the_group(installation: Installation) -> None:
    interval = installation.settings.group.max_poll_interval_s
    assert installation.trainer.metric("training_seconds_sum") > interval
    assert installation.trainer.metric("leader") == 1


def test_the_run_holds_parameters_losses_measures_hardware_and_files(
    installation: Installation, sample_quotes: list[Quote], tmp_path: Path
) -> None:
    client, run_id = installation.client, str(installation.first.run_id)
    run = client.get_run(run_id)
    assert run.info.status == "FINISHED"
    assert run.data.params["epochs"] == str(SMALL["epochs"])
    assert run.data.params["data.symbols"] == "3"
    assert run.data.params["hardware.device"] == "cpu"
    assert run.data.tags["closecast.requested_for"] == "new-sessions"
    expected = installation.first.metrics["candidate"]["mqloss"]
    assert run.data.metrics["candidate/mqloss"] == pytest.approx(expected)
    hardware = {
        "system/process_peak_memory_megabytes",
        "system/process_cpu_seconds",
        "system/cpu_utilization_percentage",
    }
    assert hardware | {"skill"} <= set(run.data.metrics)
    losses = client.get_metric_history(run_id, "loss/validation")
    assert [loss.step for loss in losses] == list(range(SMALL["epochs"] + 1))
    plots = {file.path for file in client.list_artifacts(run_id, "plots")}
    assert plots == {f"plots/{name}.png" for name in ("calibration", "forecasts", "losses", "reliability")}
    folder = Path(client.download_artifacts(run_id, ARTIFACT_PATH, str(tmp_path)))
    card = ModelCard.model_validate_json((folder / CARD_FILE).read_bytes())
    assert card.overall.metrics == installation.first.metrics
    assert (folder / CARD_PAGE).read_text().startswith(f"# Model card: {installation.first.model}")
    bundle = Bundle.load(folder)
    assert bundle.forecast(Panel.from_quotes(sample_quotes)).shape == (3, 10, 7)


def test_bad_quotes_are_kept_as_they_came_with_the_reason(installation: Installation) -> None:
    topics = installation.settings.kafka.topics
    letters = records_of(installation.settings.kafka, topics.quotes.dead_letters)
    assert [letter.value for letter in letters] == installation.refused
    headers = dict(letters[2].headers)
    assert headers["source-topic"] == topics.quotes.name.encode()
    assert headers["partition"] == b"0"
    assert {"offset", "time"} <= set(headers)
    assert b"schema_version: " in headers["error"]


def test_the_same_training_is_never_done_twice(installation: Installation, sample_quotes: list[Quote]) -> None:
    experiment = installation.settings.mlflow.experiment
    request = TrainingRequest(model=installation.settings.mlflow.model, end=sample_quotes[-11].session)
    (trained,) = installation.answers(request)
    runs = len(runs_of(installation.client, experiment))
    redelivered, identical = installation.answers(request, request.model_copy(update={"id": uuid4()}))
    assert trained.request_id == redelivered.request_id == request.id != identical.request_id
    assert trained.version == redelivered.version == identical.version != installation.first.version
    assert trained.outcome == redelivered.outcome == identical.outcome
    assert trained.metrics == identical.metrics
    assert len(runs_of(installation.client, experiment)) == runs
    assert installation.trainer.metric("trainings_total", outcome=trained.outcome, work="known") >= 2


@pytest.mark.parametrize(
    ("wanted", "reason"),
    [
        ({"symbols": ("NONE",)}, "no quotes are known"),
        ({"start": "2013-01-02"}, "the panel has"),
        ({"symbols": ("AAPL", "NONE")}, "the model of AAPL alone is called"),
    ],
)
def test_a_request_that_cannot_be_trained_fails_by_itself(
    installation: Installation, wanted: dict[str, object], reason: str
) -> None:
    request = TrainingRequest.model_validate({"model": installation.settings.mlflow.model, **wanted})
    (event,) = installation.answers(request)
    assert (event.outcome, event.request_id, event.version) == ("failed", request.id, None)
    assert reason in event.reason
    assert installation.client.get_run(str(event.run_id)).info.status == "FAILED"


def test_one_symbol_is_judged_beside_the_panels_champion_over_the_horizons_asked_for(
    installation: Installation, tmp_path: Path
) -> None:
    client, mlflow = installation.client, installation.settings.mlflow
    panel = client.get_registered_model(mlflow.model).aliases.get(CHAMPION)
    request = TrainingRequest(
        model=mlflow.names.own("AAPL"), symbols=("AAPL",), hyperparameters=Hyperparameters(prediction_steps=3)
    )

    (event,) = installation.answers(request)

    assert (event.model, event.symbols) == (request.model, ("AAPL",))
    assert ("panel" in event.metrics) is (panel is not None)
    if panel is not None:
        beats = event.metrics["candidate"]["mqloss"] < event.metrics["panel"]["mqloss"]
        assert beats or event.outcome == "rejected"
    spec = ModelSpec.read(Path(client.download_artifacts(str(event.run_id), ARTIFACT_PATH, str(tmp_path))))
    assert (spec.universe, spec.prediction_steps) == (("AAPL",), 3)
    assert spec.panel_version == (None if panel is None else str(panel))
    assert client.get_registered_model(mlflow.model).aliases.get(CHAMPION) == panel


def test_a_bad_request_is_a_dead_letter_and_the_next_one_is_answered(installation: Installation) -> None:
    kafka = installation.settings.kafka
    bad = (b'{"model": "../../etc"}', b"\xff")
    publish(kafka, kafka.topics.training_requests, [], raw=bad)
    request = TrainingRequest(model=installation.settings.mlflow.model, symbols=("NONE",))
    assert [event.request_id for event in installation.answers(request)] == [request.id]
    letters = records_of(kafka, kafka.topics.training_requests.dead_letters)
    assert tuple(letter.value for letter in letters) == bad
    assert b"model: " in dict(letters[0].headers)["error"]


def test_the_group_shows_no_lag_once_all_is_done(installation: Installation) -> None:
    kafka, group = installation.settings.kafka, installation.settings.group.id
    wait_for(lambda: set(lag_of(kafka, group).values()) == {0}, "no lag", 20)
    quotes = {TopicPartition(kafka.topics.quotes.name, number) for number in range(kafka.partitions)}
    assert set(lag_of(kafka, group)) == quotes | {TopicPartition(kafka.topics.training_requests.name, 0)}


def test_too_many_bad_records_stop_the_trainer_and_cost_nothing(
    kafka_settings: KafkaSettings, mlflow_server_uri: str, sample_quotes: list[Quote], tmp_path: Path
) -> None:
    kafka = kafka_settings
    broken = [quote.to_bytes().replace(b'"close":', b'"closing":') for quote in sample_quotes[:30]]
    publish(kafka, kafka.topics.quotes, [], raw=broken)
    settings = settings_of(kafka, mlflow_server_uri, tmp_path, invalid_records={"max_consecutive": 20})
    trainer = TrainerThread(settings)
    with pytest.raises(TooManyInvalidRecordsError, match=r"21 bad records in a row .* close: Field required"), trainer:
        trainer.join(120)
    assert records_of(kafka, kafka.topics.quotes.dead_letters) == []
    with TrainerThread(settings_of(kafka, mlflow_server_uri, tmp_path)) as patient:
        wait_for(
            lambda: len(records_of(kafka, kafka.topics.quotes.dead_letters)) == len(broken),
            "the dead letters",
            120,
            check=patient.require_alive,
        )


def test_an_outage_of_mlflow_holds_a_request_up_and_loses_nothing(
    kafka_settings: KafkaSettings, mlflow_server_uri: str, tmp_path: Path
) -> None:
    kafka = kafka_settings
    with FaultyProxy(mlflow_server_uri) as proxy:
        proxy.broken.set()
        settings = settings_of(kafka, proxy.uri, tmp_path)
        request = TrainingRequest(model=settings.mlflow.model)
        publish(kafka, kafka.topics.training_requests, [request])
        with TrainerThread(settings) as trainer:
            wait_for(lambda: trainer.metric("registry_retries_total") >= 3, "retries", 60, check=trainer.require_alive)
            assert trainer.metric("registry_up") == 0
            assert outcomes_of(kafka) == []
            assert lag_of(kafka, settings.group.id)[TopicPartition(kafka.topics.training_requests.name, 0)] > 0
            proxy.broken.clear()
            wait_for(lambda: outcomes_of(kafka), "the outcome", 120, check=trainer.require_alive)
            assert trainer.metric("registry_up") == 1
    (event,) = outcomes_of(kafka)
    assert (event.request_id, event.outcome) == (request.id, "failed")
    assert "no quotes are known" in event.reason
