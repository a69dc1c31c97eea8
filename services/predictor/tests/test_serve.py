"""The whole predictor: the command, Ray Serve behind HAProxy, Apache Kafka and MLflow, all real."""

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import psutil
import pytest
from benchmarks.load import result_of, start_load
from services.predictor.tests.packets import packets_of_an_answer
from services.predictor.tests.predictors import Predictor
from services.predictor.tests.registry import promote, settings_of
from services.predictor.tests.support import quote, quotes_of, sessions_of

from closecast.events import Event, ModelEvent, Quote, TrainingRequest
from closecast.kafka import (
    KafkaSettings,
    Publisher,
    ensure_topics,
    new_consumer,
    new_producer,
    partitions_of,
    read_to_end,
)
from closecast.mlflow_settings import MlflowSettings
from tests.support.kafka.broker import KafkaBroker

pytestmark = [pytest.mark.ray, pytest.mark.slow, pytest.mark.timeout(900)]

SYMBOLS = ("PETR4.SA", "VALE3.SA", "AAPL")
WAIT_S = 120.0
_LOADS = 10
_USERS = 16
_CLIENT_PORTS = 32_768


@pytest.fixture(scope="module")
def kafka(kafka_broker: KafkaBroker) -> KafkaSettings:
    settings = kafka_broker.settings()
    ensure_topics(settings, settings.topics)
    publish(settings, *(one for symbol in SYMBOLS for one in quotes_of(symbol)))
    return settings


@pytest.fixture(scope="module")
def mlflow(mlflow_server_uri: str) -> MlflowSettings:
    return settings_of(mlflow_server_uri)


@pytest.fixture(scope="module")
def predictor(
    kafka: KafkaSettings, mlflow: MlflowSettings, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Predictor]:
    with Predictor(kafka, mlflow, tmp_path_factory.mktemp("predictor"), CLOSECAST_LOG_LEVEL="debug") as running:
        yield running


def publish(kafka: KafkaSettings, *events: Event) -> float:
    """Publish events and return the time just before."""
    publisher = Publisher(kafka, "test")
    topics = kafka.topics
    by_type = {Quote: topics.quotes, ModelEvent: topics.models}
    publisher._producer.partitions_for(topics.quotes.name)
    publisher._producer.partitions_for(topics.models.name)
    started = time.perf_counter()
    for event in events:
        publisher.send(by_type[type(event)], event)
    publisher.flush()
    publisher.close()
    return started


def publish_bytes(kafka: KafkaSettings, value: bytes) -> None:
    """Publish a record that is no quote."""
    producer = new_producer(kafka, "test")
    producer.send(kafka.topics.quotes.name, key=b"NONE3.SA|2025-01-02", value=value)
    producer.close()


def wait_for(condition: Callable[[], bool], timeout_s: float = WAIT_S) -> float:
    """Wait until something holds and return the time."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return time.perf_counter()


def asked_ports(replica: psutil.Process) -> list[int]:
    """Return where somebody is connected to a replica; its ports lie below those that the kernel gives to clients."""
    connected = (one for one in replica.net_connections("tcp") if one.status == psutil.CONN_ESTABLISHED)
    return [one.laddr.port for one in connected if one.laddr.port < _CLIENT_PORTS]


def test_known_symbols_are_forecast(predictor: Predictor) -> None:
    by_get = predictor.client.get("/forecast/PETR4.SA")
    by_post = predictor.client.post("/predict", json={"symbol": "PETR4.SA"})

    assert by_get.status_code == by_post.status_code == 200
    assert by_get.content.partition(b'"data_age')[0] == by_post.content.partition(b'"data_age')[0]
    assert by_get.json()["origin"] == str(sessions_of("PETR4.SA", 80)[-1])
    assert predictor.client.get("/ready").json()["symbols"] == 3


def test_what_passes_the_edge_is_answered_by_the_application(predictor: Predictor) -> None:
    assert predictor.client.get("/health").json() == {"status": "healthy"}
    assert predictor.client.get("/docs").status_code == 200
    assert predictor.client.get("/openapi.json").json()["info"]["title"] == "Closecast"
    assert predictor.client.post("/predict", json={"symbol": "../../etc"}).status_code == 422
    assert predictor.client.get("/forecast/NONE3.SA").status_code == 404
    history = predictor.client.post("/predict", json={"history": [30.0 + at % 5 for at in range(60)], "horizon": 2})
    assert history.status_code == 200
    assert len(history.json()["forecast"]) == 2


def test_a_body_of_50_mb_is_refused_in_bounded_memory(predictor: Predictor) -> None:
    (replica,) = predictor.replicas("Api")
    before = replica.memory_info().rss

    def chunks() -> Iterator[bytes]:
        for _ in range(800):
            yield b"x" * 65536

    announced = predictor.client.post("/predict", content=b"x" * (50 * 2**20))
    streamed = predictor.client.post("/predict", content=chunks())

    assert (announced.status_code, streamed.status_code) == (413, 413)
    assert replica.memory_info().rss - before < 20 * 2**20
    assert predictor.client.get("/health").status_code == 200


def test_every_line_of_the_log_is_json_and_errors_name_their_request(
    predictor: Predictor, kafka: KafkaSettings
) -> None:
    publish_bytes(kafka, b"no quote")

    def lines() -> list[dict[str, Any]]:
        return [json.loads(line) for line in predictor.log.read_text().splitlines()]

    wait_for(lambda: any(line["event"] == "record skipped" for line in lines()))
    answer = predictor.client.get("/forecast/NONE3.SA", headers={"x-request-id": "mine"})
    assert answer.headers.get_list("x-request-id") == ["mine"]
    wait_for(lambda: any(line.get("request_id") == "mine" and line["status"] == 404 for line in lines()))
    assert {line["service"] for line in lines()} == {"predictor"}


def test_a_new_close_changes_the_forecast(predictor: Predictor, kafka: KafkaSettings) -> None:
    session = sessions_of("VALE3.SA", 81)[-1]

    publish(kafka, quote("VALE3.SA", session, 31.5))

    wait_for(lambda: predictor.forecast("VALE3.SA")["origin"] == str(session))
    assert predictor.forecast("VALE3.SA")["last_close"] == 31.5
    (latest,) = predictor.client.get("/quotes/VALE3.SA", params={"sessions": 1}).json()["quotes"]
    assert (latest["session"], latest["close"]) == (str(session), 31.5)


def test_a_promotion_under_load_is_served_within_a_second_and_fails_no_request(
    predictor: Predictor, kafka: KafkaSettings, mlflow: MlflowSettings, tmp_path: Path
) -> None:
    before = predictor.forecast("PETR4.SA")["version"]
    event = promote(mlflow, tmp_path / "version")
    load = start_load(f"{predictor.address}/predict", b'{"symbol": "PETR4.SA"}', 16, seconds=6, rate=500)
    time.sleep(3)

    published_at = publish(kafka, event)
    served_at = wait_for(lambda: predictor.forecast("PETR4.SA")["version"] == event.version)
    result = result_of(load)

    assert before == "base"
    assert served_at - published_at < 1.0
    assert result.failures == 0, result.first_failure
    assert result.requests > 2000
    for symbol in SYMBOLS:
        assert predictor.forecast(symbol)["version"] == event.version
    history = predictor.client.post("/predict", json={"history": [30.0 + at % 5 for at in range(60)]}).json()
    assert history["version"] == event.version


def test_a_symbols_own_champion_speaks_for_it_alone_and_can_be_rolled_back(
    predictor: Predictor, kafka: KafkaSettings, mlflow: MlflowSettings, tmp_path: Path
) -> None:
    first = promote(mlflow, tmp_path / "first", symbol="PETR4.SA", log_stretch=-0.1)
    publish(kafka, first)
    wait_for(lambda: predictor.forecast("PETR4.SA")["model"] == first.model)
    assert "own champion" in predictor.forecast("PETR4.SA")["why"]
    assert predictor.forecast("VALE3.SA")["model"] == mlflow.model
    second = promote(mlflow, tmp_path / "second", symbol="PETR4.SA", log_stretch=0.1)
    publish(kafka, second)
    wait_for(lambda: predictor.forecast("PETR4.SA")["version"] == second.version)

    promoted = predictor.client.post(f"/models/{first.version}/promote", json={"model": first.model})

    assert (promoted.status_code, promoted.json()["aliases"]) == (200, ["champion"])
    wait_for(lambda: predictor.forecast("PETR4.SA")["version"] == first.version)
    history = {"history": [30.0 + at % 5 for at in range(60)]}
    for symbol, model in (("PETR4.SA", first.model), ("VALE3.SA", mlflow.model)):
        assert predictor.client.post("/predict", json=history | {"symbol": symbol}).json()["model"] == model
    served = [one for one in predictor.client.get("/models").json()["models"] if one["serving"]]
    assert {(one["model"], one["version"]) for one in served} >= {(first.model, first.version)}
    assert predictor.client.post("/models/999/promote").status_code == 404


def test_a_training_request_goes_to_kafka_and_its_outcome_comes_back(
    predictor: Predictor, kafka: KafkaSettings
) -> None:
    accepted = predictor.client.post("/train", json={"symbols": ["PETR4"]})

    assert accepted.status_code == 202
    consumer = new_consumer(kafka, "test")
    start = dict.fromkeys(partitions_of(consumer, kafka.topics.training_requests), 0)
    requests = [TrainingRequest.from_bytes(record.value) for record in read_to_end(consumer, start)]
    consumer.close()
    assert str(requests[-1].id) == accepted.json()["id"]
    where = accepted.headers["location"]
    assert predictor.client.get(where).json()["state"] == "queued"
    publish(
        kafka,
        ModelEvent(request_id=requests[-1].id, model=requests[-1].model, outcome="failed", reason="test"),
    )
    wait_for(lambda: predictor.client.get(where).json()["state"] == "failed")
    assert predictor.client.get(f"/train/{uuid4()}").status_code == 404


def test_metrics_are_those_of_all_replicas(predictor: Predictor) -> None:
    served = predictor.client.get("/metrics").text
    own_port = predictor.client.get(f"http://127.0.0.1:{predictor.metrics_port}/metrics").text

    for name in (
        'http_requests_total{method="POST",status="200"}',
        "http_request_duration_seconds_count",
        "model_inference_duration_seconds_count",
        "model_predictions_total",
        "closecast_predictor_symbols 3.0",
        "closecast_predictor_quotes_total",
    ):
        assert name in served
        assert name in own_port
    assert "autoscaler_" not in served
    assert "process_resident_memory_bytes" in own_port


def test_statistics_are_those_of_the_whole_deployment(predictor: Predictor) -> None:
    before = predictor.client.get("/stats").json()["requests"]["total"]
    for _ in range(5):
        predictor.forecast("PETR4.SA")

    stats = predictor.client.get("/stats").json()

    assert {one["symbol"] for one in stats["symbols"]} == set(SYMBOLS)
    assert stats["requests"]["total"] >= before + 6
    assert stats["requests"]["latency_ms"]["p50"] <= stats["requests"]["latency_ms"]["p99"]
    assert stats["hardware"]["processes"] >= len(predictor.replicas("")) + 2
    assert stats["model"]["version"] == predictor.forecast("PETR4.SA")["version"]
    assert set(stats["kafka"]["lag"].values()) == {0}
    past = predictor.client.get("/stats/VALE3.SA", params={"late": True}).json()["past"]
    assert {one["session"] for one in past if one["actual"] is not None} == {str(sessions_of("VALE3.SA", 81)[-1])}


def test_answers_go_on_while_the_forecaster_dies_and_comes_back(predictor: Predictor, kafka: KafkaSettings) -> None:
    (forecaster,) = predictor.replicas("Forecaster")
    version = predictor.forecast("AAPL")["version"]

    forecaster.kill()
    for _ in range(50):
        assert predictor.forecast("AAPL")["version"] == version
        time.sleep(0.02)
    session = sessions_of("AAPL", 81)[-1]
    publish(kafka, quote("AAPL", session, 31.5))

    wait_for(lambda: predictor.forecast("AAPL")["origin"] == str(session))
    assert predictor.forecast("AAPL")["version"] == version
    assert version != "base"


def test_an_answer_leaves_a_replica_in_one_packet(predictor: Predictor) -> None:
    predictor.forecast("AAPL")
    (replica,) = predictor.replicas("Api")
    (port,) = set(asked_ports(replica))

    assert packets_of_an_answer(("127.0.0.1", port), "/forecast/AAPL") == 1


def test_a_load_that_needs_two_replicas_gets_them(predictor: Predictor) -> None:
    assert len(predictor.replicas("Api")) == 1
    replicas: list[int] = []
    while len(replicas) < _LOADS and replicas[-1:] != [2]:
        result = result_of(start_load(f"{predictor.address}/predict", b'{"symbol": "PETR4.SA"}', 32, seconds=8))
        assert result.failures == 0, result.first_failure
        replicas.append(len(predictor.replicas("Api")))

    assert replicas[-1] == 2, replicas


def test_no_request_fails_while_a_replica_dies_under_load(predictor: Predictor) -> None:
    replicas = predictor.replicas("Api")
    assert len(replicas) == 2
    ended = threading.Event()

    def ask_until_the_end() -> Counter[int]:
        # httpx sends a body in a packet of its own, as proxies do.
        with httpx.Client(base_url=predictor.address, timeout=30.0, trust_env=False) as client:
            answers = Counter[int]()
            while not ended.is_set():
                answers[client.post("/predict", json={"symbol": "PETR4.SA"}).status_code] += 1
            return answers

    with ThreadPoolExecutor(_USERS) as users:
        asking = [users.submit(ask_until_the_end) for _ in range(_USERS)]
        try:
            wait_for(lambda: all(map(asked_ports, replicas)))
            replicas[0].kill()
            time.sleep(3)
        finally:
            ended.set()

    assert sum((one.result() for one in asking), Counter[int]()).keys() == {200}


def test_stopping_leaves_nothing_behind(predictor: Predictor) -> None:
    started = [*predictor.processes(), psutil.Process(predictor.child.pid)]
    assert any("haproxy" in process.name() for process in started)

    psutil.Process(predictor.child.pid).terminate()
    gone, alive = psutil.wait_procs(started, timeout=30)

    assert alive == []
    assert len(gone) > 5
