"""Quotes in, forecasts out: the three services together, each as its user of k8s/kafka."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from closecast.events import Quote
from closecast.kafka import KafkaSettings
from closecast.topics import DEFAULT_PREFIX
from closecast_predictor.registry import Registry
from closecast_predictor.runs import TrainingRuns
from closecast_predictor.training import TrainingDesk
from tests.integration.pipeline import Pipeline
from tests.support.kafka import KafkaBroker

pytestmark = [pytest.mark.slow, pytest.mark.ray, pytest.mark.timeout(1500)]

GARBAGE = (b"\xff\x00", b"{", b'{"schema_version": "2.0"}')
LAST_SESSION = "2013-03-01"


@pytest.fixture(scope="module")
def pipeline(
    guarded_kafka_broker: KafkaBroker, mlflow_server_uri: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Pipeline]:
    """Return the services after their first training, on topics that held garbage from the start."""
    folder = tmp_path_factory.mktemp("pipeline")
    broker = guarded_kafka_broker
    kafka = broker.settings(topic_prefix=DEFAULT_PREFIX)

    def kafka_of(service: str) -> KafkaSettings:
        return broker.settings_of(f"closecast-{service}", topic_prefix=DEFAULT_PREFIX)

    with Pipeline(kafka, kafka_of, mlflow_server_uri, folder) as pipeline:
        topics = pipeline.kafka.topics
        for topic in (topics.quotes, topics.training_requests, topics.models):
            pipeline.publish_bytes(topic, *GARBAGE)
        assert pipeline.ingest("backfill", "--source=sample", "--start=2009-01-01") == 0
        pipeline.eventually(lambda: pipeline.answers("/forecast/AAPL"))
        pipeline.eventually(lambda: pipeline.get("/forecast/AAPL")["version"] != "base")
        yield pipeline


def test_every_symbol_is_served_by_the_promoted_model(pipeline: Pipeline) -> None:
    for symbol in ("AAPL", "FB", "GOOG", "IBM", "MSFT"):
        forecast = pipeline.get(f"/forecast/{symbol}")
        assert forecast["version"] == "1"
        assert forecast["origin"] == LAST_SESSION
        assert [one["horizon"] for one in forecast["forecast"]] == list(range(1, 11))
        assert forecast["skill"] > 0


def test_garbage_is_set_aside_once_and_disturbs_nothing(pipeline: Pipeline) -> None:
    for topic in (pipeline.kafka.topics.quotes, pipeline.kafka.topics.training_requests):
        assert sorted(pipeline.values_on(topic.dead_letters)) == sorted(GARBAGE)
    pipeline.require_alive()


def test_publishing_the_same_quotes_again_adds_none(pipeline: Pipeline) -> None:
    before = len(pipeline.values_on(pipeline.kafka.topics.quotes))
    assert pipeline.ingest("backfill", "--source=sample", "--start=2009-01-01") == 0
    assert len(pipeline.values_on(pipeline.kafka.topics.quotes)) == before


def test_a_new_quote_moves_the_forecast(pipeline: Pipeline) -> None:
    others = pipeline.get("/forecast/MSFT")

    pipeline.publish(pipeline.kafka.topics.quotes, quote_of_next_session("IBM", 240.0))
    pipeline.eventually(lambda: bool(pipeline.get("/forecast/IBM")["origin"] == "2013-03-04"))

    forecast = pipeline.get("/forecast/IBM")
    assert forecast["last_close"] == 240.0
    assert 220 < forecast["predicted_close"] < 260
    assert forecast["forecast"][0]["session"] == "2013-03-05"
    assert pipeline.get("/forecast/MSFT")["made_at"] == others["made_at"]


def test_a_training_that_is_asked_for_has_an_outcome(pipeline: Pipeline) -> None:
    outcome = train(pipeline, "AAPL", "MSFT")

    assert outcome["state"] in {"promoted", "rejected"}, outcome
    assert outcome["version"] == "2"
    assert outcome["symbols"] == ["AAPL", "MSFT"]
    assert outcome["reason"]
    assert {"candidate", "naive", "champion"} <= outcome["metrics"].keys()
    card = pipeline.get("/models/2")["card"]
    assert card["data"]["symbols"] == ["AAPL", "MSFT"]
    assert card["gate"]["promoted"] == (outcome["state"] == "promoted")
    assert card["overall"]["against"].keys() == outcome["metrics"].keys() - {"candidate"}
    pipeline.require_alive()


def test_outcomes_are_on_record_when_the_topic_has_forgotten_them(pipeline: Pipeline) -> None:
    trained, known = train(pipeline, "AAPL", "MSFT"), train(pipeline, "AAPL", "MSFT")
    desk = TrainingDesk(pipeline.kafka, TrainingRuns(Registry(pipeline.mlflow)))

    recorded = [desk.find(UUID(outcome["id"])) for outcome in (trained, known)]

    assert trained["id"] != known["id"]
    for outcome, training in zip((trained, known), recorded, strict=True):
        assert training is not None
        assert (training.state, training.version) == (outcome["state"], outcome["version"])


def test_a_symbols_own_model_speaks_once_a_person_promotes_it(
    pipeline: Pipeline,
) -> None:
    outcome = train(pipeline, "GOOG")
    own, version = outcome["model"], outcome["version"]
    assert own.endswith("-goog")
    assert {"candidate", "panel", "naive"} <= outcome["metrics"].keys()

    assert pipeline.post(f"/models/{version}/promote", {"model": own}).status_code == 200
    pipeline.eventually(lambda: bool(pipeline.get("/forecast/GOOG")["model"] == own))

    spoken = pipeline.get("/forecast/GOOG")
    assert spoken["version"] == version
    assert spoken["why"].startswith("the symbol's own champion")
    assert pipeline.get("/forecast/MSFT")["model"] == pipeline.mlflow.model
    panels = pipeline.post("/predict", {"symbol": "GOOG", "model_name": pipeline.mlflow.model}).json()
    assert (panels["model"], panels["origin"]) == (pipeline.mlflow.model, spoken["origin"])
    assert pipeline.post("/predict", {"symbol": "MSFT", "model_name": own}).status_code == 404


def test_a_symbol_without_quotes_is_fetched_and_forecast_without_a_training(pipeline: Pipeline, tmp_path: Path) -> None:
    folder = tmp_path / "quotes"
    assert pipeline.ingest("download", "--source=sample", "--symbols=MSFT", f"--output={folder}") == 0
    (folder / "MSFT.csv").rename(folder / "NEW.csv")
    assert pipeline.status_of("/forecast/NEW") == 404

    first = pipeline.post("/predict", {"symbol": "NEW", "fetch": True})
    again = pipeline.post("/predict", {"symbol": "new", "fetch": True, "horizon": 3})
    assert (first.status_code, again.status_code) == (202, 202)
    assert first.json()["id"] == again.json()["id"]
    location = first.headers["location"]
    assert pipeline.status_of(location) == 202

    with pipeline.ingesting("serve", "--source=csv", f"--csv-folder={folder}"):
        pipeline.eventually(lambda: pipeline.status_of(location) == 200)

    forecast = pipeline.get(location)
    assert (forecast["symbol"], forecast["origin"]) == ("NEW", LAST_SESSION)
    assert forecast["version"] != "base", "the panel's model speaks for a symbol that it was not trained on"
    assert len(pipeline.values_on(pipeline.kafka.topics.backfill_requests)) == 1


def test_a_symbol_that_no_source_knows_is_not_found_and_says_why(pipeline: Pipeline) -> None:
    topic = pipeline.kafka.topics.backfill_requests
    pipeline.publish_bytes(topic, *GARBAGE)
    location = pipeline.post("/predict", {"symbol": "NOPE", "fetch": True}).headers["location"]

    with pipeline.ingesting("serve", "--source=sample"):
        pipeline.eventually(lambda: pipeline.status_of(location) == 404)

    again = pipeline.post("/predict", {"symbol": "NOPE", "fetch": True})
    assert again.status_code == 404
    assert "the sample holds AAPL, FB, GOOG, IBM, MSFT only" in again.json()["detail"]
    assert sorted(pipeline.values_on(topic.dead_letters)) == sorted(GARBAGE)


def train(pipeline: Pipeline, *symbols: str) -> dict[str, Any]:
    """Ask for a short training and return its outcome."""
    answer = pipeline.post("/train", {"symbols": symbols, "hyperparameters": {"epochs": 1, "seed": 7}})
    assert answer.status_code == 202
    training = f"/train/{answer.json()['id']}"
    pipeline.eventually(lambda: pipeline.get(training)["state"] not in {"queued", "running"})
    outcome: dict[str, Any] = pipeline.get(training)
    return outcome


def quote_of_next_session(symbol: str, close: float) -> Quote:
    return Quote(
        symbol=symbol,
        session=date(2013, 3, 4),
        exchange="XNYS",
        open=close,
        high=close,
        low=close,
        close=close,
        adjusted_close=close,
        volume=1000,
        currency="USD",
        source="test",
        as_of="2013-03-05T00:00:00Z",
    )
