"""The engine on a real broker, without Ray: what it shares and what it publishes."""

import json
import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar
from uuid import uuid4

import pytest
from mlflow import MlflowClient
from prometheus_client import REGISTRY
from services.predictor.tests.registry import promote, settings_of
from services.predictor.tests.support import (
    forecast_from,
    latest_sessions,
    quote,
    quotes_of,
    sessions_of,
    write_version,
)

from closecast.events import BackfillEvent, BackfillRequest, Event, Forecast, ModelEvent, Quote, TrainingRequest
from closecast.kafka import KafkaSettings, Publisher, ensure_topics, new_consumer, partitions_of, read_to_end
from closecast.mlflow_settings import CHAMPION, MlflowSettings
from closecast.topics import Topic
from closecast_predictor import book
from closecast_predictor.alarms import request_for
from closecast_predictor.cache import LoadedModel, ModelCache
from closecast_predictor.engine import Engine, NotReadyError
from closecast_predictor.inference import forecast_symbols
from closecast_predictor.settings import PredictorSettings
from closecast_predictor.snapshot import Lineup, Snapshot
from closecast_predictor.stats import Statistics

E = TypeVar("E", bound=Event)

WAIT_S = 60.0
NEXT = sessions_of("PETR4.SA", 81)[-1]
NO_MLFLOW = MlflowSettings(tracking_uri="http://127.0.0.1:9", timeout_s=1)


class Running:
    """An engine with the snapshots that it has shared."""

    def __init__(self, kafka: KafkaSettings, mlflow: MlflowSettings, folder: Path) -> None:
        settings = PredictorSettings(kafka=kafka, mlflow=mlflow)
        self.kafka = kafka
        self.snapshots: queue.Queue[Snapshot] = queue.Queue()
        self.engine = Engine(settings, ModelCache(folder, mlflow.names), self._share)
        self.engine.start()

    def _share(self, snapshot: Snapshot, models: Lineup[LoadedModel]) -> None:
        assert models.panel.model.version == snapshot.version
        for loaded in models:
            assert loaded.model.version == loaded.files.version
        for symbol, answer in snapshot.answers.items():
            told, speaks = json.loads(answer.body(1)), models.of(symbol).model
            assert (told["model"], told["version"], told["why"]) == (speaks.name, speaks.version, speaks.why)
        self.snapshots.put(snapshot)

    def next(self) -> Snapshot:
        return self.snapshots.get(timeout=WAIT_S)

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + WAIT_S
        while self.engine.status.phase != "ready":
            assert time.monotonic() < deadline
            time.sleep(0.01)

    def wait_for(self, condition: Callable[[Snapshot], bool]) -> Snapshot:
        while not condition(snapshot := self.next()):
            pass
        return snapshot


@pytest.fixture
def kafka(kafka_settings: KafkaSettings) -> KafkaSettings:
    ensure_topics(kafka_settings, kafka_settings.topics)
    return kafka_settings


@pytest.fixture
def start(kafka: KafkaSettings, tmp_path: Path) -> Iterator[Callable[..., Running]]:
    engines: list[Running] = []

    def start(mlflow: MlflowSettings = NO_MLFLOW) -> Running:
        engines.append(Running(kafka, mlflow, tmp_path / "cache"))
        return engines[-1]

    yield start
    for running in engines:
        running.engine.stop()


def publish(kafka: KafkaSettings, *events: Event) -> None:
    publisher = Publisher(kafka, "test")
    topics = kafka.topics
    by_type = {
        Quote: topics.quotes,
        ModelEvent: topics.models,
        TrainingRequest: topics.training_requests,
        BackfillRequest: topics.backfill_requests,
        BackfillEvent: topics.backfills,
        Forecast: topics.forecasts,
    }
    for event in events:
        publisher.send(by_type[type(event)], event)
    publisher.flush()
    publisher.close()


def read_all(kafka: KafkaSettings, topic: Topic, event: type[E]) -> list[E]:
    consumer = new_consumer(kafka, "test")
    start = dict.fromkeys(partitions_of(consumer, topic), 0)
    events = [event.from_bytes(record.value) for record in read_to_end(consumer, start)]
    consumer.close()
    return events


def published(kafka: KafkaSettings) -> list[Forecast]:
    return read_all(kafka, kafka.topics.forecasts, Forecast)


def requested(kafka: KafkaSettings) -> list[TrainingRequest]:
    return read_all(kafka, kafka.topics.training_requests, TrainingRequest)


def origin(snapshot: Snapshot, symbol: str) -> str:
    told: str = json.loads(snapshot.answers[symbol].body(1))["origin"]
    return told


def has(newest: Quote, snapshot: Snapshot) -> bool:
    return origin(snapshot, newest.symbol) == str(newest.session)


def test_a_quote_becomes_a_forecast(kafka: KafkaSettings, start: Callable[..., Running]) -> None:
    publish(kafka, *quotes_of("PETR4.SA"), *quotes_of("AAPL"))
    running = start()
    first = running.next()

    publish(kafka, quote("PETR4.SA", NEXT, 31.0))
    second = running.next()

    assert set(first.answers) == {"PETR4.SA", "AAPL"}
    assert origin(second, "PETR4.SA") == str(NEXT)
    assert second.answers["AAPL"] == first.answers["AAPL"]
    assert second.token != first.token
    running.engine.stop()
    assert [(one.symbol, str(one.origin)) for one in published(kafka)][-1] == ("PETR4.SA", str(NEXT))
    assert len(published(kafka)) == 3


def test_forecasts_that_failed_are_made_with_the_next(
    kafka: KafkaSettings, start: Callable[..., Running], monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(kafka, *quotes_of("PETR4.SA"), *quotes_of("AAPL"))
    running = start()
    running.next()
    working, failed = forecast_symbols, threading.Event()

    def fail_once(*_: object) -> list[Forecast]:
        monkeypatch.setattr(book, "forecast_symbols", working)
        failed.set()
        raise RuntimeError("test")

    monkeypatch.setattr(book, "forecast_symbols", fail_once)
    publish(kafka, quote("PETR4.SA", NEXT, 31.0))
    assert failed.wait(WAIT_S)
    publish(kafka, quote("AAPL", NEXT, 31.0))
    snapshot = running.next()

    assert [origin(snapshot, symbol) for symbol in ("PETR4.SA", "AAPL")] == [str(NEXT)] * 2
    running.engine.stop()
    assert sorted(one.symbol for one in published(kafka) if one.origin == NEXT) == ["AAPL", "PETR4.SA"]


def test_a_restart_publishes_nothing_again(kafka: KafkaSettings, start: Callable[..., Running]) -> None:
    publish(kafka, *quotes_of("PETR4.SA"))
    first = start()
    before = first.next()
    first.engine.stop()

    second = start()
    after = second.next()
    second.engine.stop()

    assert after.token != before.token
    assert set(after.answers) == {"PETR4.SA"}
    assert len(published(kafka)) == 1


def recent_track(symbol: str) -> tuple[list[Forecast], list[Quote]]:
    """Return quotes of the latest sessions, and forecasts made an hour after the close of nine, two before the last."""
    quotes = [quote(symbol, day, 30.0 + at % 5) for at, day in enumerate(latest_sessions(symbol, 60))]
    return [forecast_from(quotes[:known]) for known in range(50, 59)], quotes


def last_of(tracks: Sequence[tuple[list[Forecast], list[Quote]]]) -> list[Quote]:
    return [quotes[-1] for _, quotes in tracks]


def test_scores_are_the_same_after_a_restart(kafka: KafkaSettings, start: Callable[..., Running]) -> None:
    tracks = [recent_track(symbol) for symbol in ("PETR4.SA", "AAPL")]
    for forecasts, quotes in tracks:
        publish(kafka, *forecasts, *quotes[:-2])
    first = start()
    first.next()
    first.wait_until_ready()
    at_first = Statistics(first.engine).of_all().symbols
    for _, quotes in tracks:
        split = quotes[-2].model_copy(update={"split": 2.0, "close": quotes[-2].close / 2, "low": 1.0})
        corrected = quotes[-4].model_copy(update={"close": quotes[-4].close + 0.5, "high": 99.0, "revision": 1})
        publish(kafka, split, corrected, quotes[-1])
    first.wait_for(lambda snapshot: all(origin(snapshot, one.symbol) == str(one.session) for one in last_of(tracks)))
    before = Statistics(first.engine)
    told = before.of_all().symbols, [before.of(symbol, late=True) for symbol in ("PETR4.SA", "AAPL")]
    first.engine.stop()

    second = start()
    second.next()
    second.wait_until_ready()
    after = Statistics(second.engine)

    assert (after.of_all().symbols, [after.of(symbol, late=True) for symbol in ("PETR4.SA", "AAPL")]) == told
    assert [score.scored for score in told[0][0].horizons] == [9, 9, 8, 7, 6, 5, 4, 3, 2, 1]
    assert [score.scored for score in at_first[0].horizons] == [8, 7, 6, 5, 4, 3, 2, 1, 0, 0]


def drifting_track(symbol: str, version: str) -> tuple[list[Forecast], list[Quote]]:
    """Return forecasts of the latest ten sessions, made an hour after the close before, and other quotes."""
    days = latest_sessions(symbol, 60)
    calm = [quote(symbol, day, 30.0) for day in days]
    quotes = [*calm[:50], *(quote(symbol, day, 39.0 + at % 2) for at, day in enumerate(days[50:]))]
    forecasts = [
        forecast_from(calm[:known]).model_copy(update={"version": version, "last_close": quotes[known - 1].close})
        for known in range(50, 60)
    ]
    return forecasts, quotes


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def drift_alarms() -> dict[str, float | None]:
    labels = [{"model": NO_MLFLOW.model, "kind": kind} for kind in ("error", "coverage")]
    return {one["kind"]: REGISTRY.get_sample_value("closecast_predictor_drift", one) for one in labels}


def test_closes_that_contradict_the_forecasts_lead_to_one_training(
    kafka: KafkaSettings, start: Callable[..., Running], tmp_path: Path
) -> None:
    ModelCache(tmp_path / "cache", NO_MLFLOW.names).keep(NO_MLFLOW.model, "3", write_version(tmp_path / "version"))
    tracks = [drifting_track(symbol, "3") for symbol in ("PETR4.SA", "VALE3.SA", "AAPL")]
    held_back = [quotes.pop(55) for _, quotes in tracks]
    for forecasts, quotes in tracks:
        publish(kafka, *forecasts, *quotes)
    running = start()
    assert running.next().version == "3"
    running.wait_until_ready()
    assert drift_alarms() == {"error": 0, "coverage": 0}, "nine sessions are too few to tell"
    expected = request_for(NO_MLFLOW.model, "3", None)

    publish(kafka, *held_back)
    wait_until(lambda: running.engine.trainings.knows(expected.id))
    assert drift_alarms() == {"error": 1, "coverage": 1}
    corrected = tracks[0][1][-1].model_copy(update={"close": 41.0, "high": 41.0, "revision": 1})
    publish(kafka, corrected)
    running.wait_for(lambda snapshot: '"last_close":41.0' in snapshot.answers["PETR4.SA"].body(1).decode())
    running.engine.stop()
    second = start()
    assert drift_alarms() == {"error": 0, "coverage": 0}
    wait_until(lambda: drift_alarms() == {"error": 1, "coverage": 1})
    second.engine.stop()

    (request,) = requested(kafka)
    assert (request.id, request.model, request.reason) == (expected.id, NO_MLFLOW.model, "drift")
    assert (request.symbols, request.start, request.end) == ((), None, None)


def test_forecasts_of_a_backlog_are_not_taken_for_live_ones(
    kafka: KafkaSettings, start: Callable[..., Running]
) -> None:
    quotes = quotes_of("PETR4.SA", 90)
    publish(kafka, *quotes[:80])
    running = start()
    running.next()
    for one in quotes[80:]:
        publish(kafka, one)
        running.wait_for(partial(has, one))
    running.wait_until_ready()

    (scores,) = Statistics(running.engine).of_all().symbols

    assert [score.scored for score in scores.horizons] == [0] * 10
    assert [score.late for score in scores.horizons] == list(range(10, 0, -1))
    running.engine.stop()
    assert len({one.key() for one in published(kafka)}) == 11


def test_the_quotes_of_a_symbol_can_be_looked_at(kafka: KafkaSettings, start: Callable[..., Running]) -> None:
    publish(kafka, *quotes_of("PETR4.SA"))
    running = start()
    running.next()
    running.wait_until_ready()

    window = running.engine.book.window("PETR4.SA", 5)

    assert window is not None
    assert [session for session, _ in window.adjusted()] == list(sessions_of("PETR4.SA", 80)[-5:])
    assert running.engine.book.window("AAPL", 5) is None


def test_an_empty_topic_is_served_too(start: Callable[..., Running], kafka: KafkaSettings) -> None:
    running = start()

    assert running.next().answers == {}
    publish(kafka, *quotes_of("PETR4.SA", 40))
    last = str(sessions_of("PETR4.SA", 40)[-1])
    running.wait_for(lambda snapshot: "PETR4.SA" in snapshot.answers and origin(snapshot, "PETR4.SA") == last)


def test_the_champion_speaks_from_the_first_snapshot_on(
    kafka: KafkaSettings, start: Callable[..., Running], mlflow_server_uri: str, tmp_path: Path
) -> None:
    mlflow = settings_of(mlflow_server_uri)
    event = promote(mlflow, tmp_path / "version")
    publish(kafka, *quotes_of("PETR4.SA"))

    assert start(mlflow).next().version == event.version


def test_a_promotion_swaps_the_model_of_all_symbols(
    kafka: KafkaSettings, start: Callable[..., Running], mlflow_server_uri: str, tmp_path: Path
) -> None:
    mlflow = settings_of(mlflow_server_uri)
    publish(kafka, *quotes_of("PETR4.SA"), *quotes_of("AAPL"))
    running = start(mlflow)
    assert running.next().version == "base"

    event = promote(mlflow, tmp_path / "version")
    publish(kafka, event)
    snapshot = running.next()

    assert snapshot.version == event.version
    for answer in snapshot.answers.values():
        assert json.loads(answer.body(1))["version"] == event.version
    training = running.engine.trainings.find(event.request_id)
    assert training is not None
    assert training.state == "promoted"


def speakers(snapshot: Snapshot) -> dict[str, str]:
    return {symbol: json.loads(answer.body(1))["model"] for symbol, answer in snapshot.answers.items()}


def test_a_symbols_own_champion_speaks_for_it_until_it_is_retired(
    kafka: KafkaSettings, start: Callable[..., Running], mlflow_server_uri: str, tmp_path: Path
) -> None:
    mlflow = settings_of(mlflow_server_uri)
    promote(mlflow, tmp_path / "panel")
    publish(kafka, *quotes_of("PETR4.SA"), *quotes_of("AAPL"))
    running = start(mlflow)
    assert speakers(running.next()) == {"PETR4.SA": mlflow.model, "AAPL": mlflow.model}

    own = promote(mlflow, tmp_path / "own", symbol="PETR4.SA")
    publish(kafka, own)
    with_own = running.next()
    panel = promote(mlflow, tmp_path / "panel2")
    publish(kafka, panel)
    with_new_panel = running.next()
    MlflowClient(mlflow.tracking_uri).delete_registered_model_alias(own.model, CHAMPION)
    publish(kafka, own.model_copy(update={"outcome": "rejected", "request_id": uuid4()}))
    without_own = running.next()

    assert speakers(with_own) == speakers(with_new_panel) == {"PETR4.SA": own.model, "AAPL": mlflow.model}
    assert with_new_panel.version == panel.version
    assert with_new_panel.answers["PETR4.SA"] == with_own.answers["PETR4.SA"]
    assert speakers(without_own) == {"PETR4.SA": mlflow.model, "AAPL": mlflow.model}
    assert running.engine.status.version == panel.version


@pytest.mark.parametrize(
    "changes",
    [{"outcome": "rejected"}, {"model": "another-model"}, {"version": "../../etc"}, {"run_id": None}],
)
def test_other_events_swap_nothing(
    kafka: KafkaSettings, start: Callable[..., Running], changes: dict[str, str | None]
) -> None:
    publish(kafka, *quotes_of("PETR4.SA"))
    running = start()
    running.next()
    event = ModelEvent(
        request_id=uuid4(), model=NO_MLFLOW.model, outcome="promoted", version="1", run_id="a" * 32, reason="test"
    )

    publish(kafka, event.model_copy(update=changes), quote("PETR4.SA", NEXT, 31.0))

    assert running.next().version == "base"
    assert running.engine.is_alive


def test_a_training_request_of_another_is_known(kafka: KafkaSettings, start: Callable[..., Running]) -> None:
    request = TrainingRequest(model=NO_MLFLOW.model)
    publish(kafka, request)
    running = start()
    running.next()

    found = running.engine.trainings.find(request.id)

    assert found is not None
    assert found.state == "queued"


def test_a_symbol_that_was_asked_for_before_a_restart_is_not_asked_for_again(
    kafka: KafkaSettings, start: Callable[..., Running]
) -> None:
    waiting, unknown = BackfillRequest(symbol="MSFT"), BackfillRequest(symbol="NOPE")
    ended = BackfillEvent(
        request_id=unknown.id, symbol="NOPE", outcome="unknown", reason="because", source="csv", ingestor="test"
    )
    publish(kafka, waiting, unknown, ended)
    running = start()
    running.next()
    running.wait_until_ready()

    assert running.engine.request_backfill("MSFT").request_id == waiting.id
    refused = running.engine.request_backfill("NOPE")
    assert (refused.state, refused.reason) == ("unavailable", "because")


def test_what_is_fetched_is_forecast(kafka: KafkaSettings, start: Callable[..., Running]) -> None:
    running = start()
    running.next()
    running.wait_until_ready()
    requested = running.engine.request_backfill("PETR4.SA")
    assert requested.state == "fetching"
    assert requested.request_id is not None
    days = sessions_of("PETR4.SA", 40)
    served = BackfillEvent(
        request_id=requested.request_id,
        symbol="PETR4.SA",
        outcome="served",
        reason="test",
        last_session=days[-1],
        source="test",
        ingestor="test",
    )

    publish(kafka, *quotes_of("PETR4.SA", 40)[:30])
    publish(kafka, served)
    publish(kafka, *quotes_of("PETR4.SA", 40)[30:])

    first = running.wait_for(lambda snapshot: "PETR4.SA" in snapshot.answers)
    assert origin(first, "PETR4.SA") == str(days[-1]), "no forecast is made of half of the quotes"


def test_it_waits_for_a_broker_that_is_not_there(tmp_path: Path) -> None:
    kafka = KafkaSettings(bootstrap_servers="127.0.0.1:9", connect_timeout_s=0.2)
    running = Running(kafka, NO_MLFLOW, tmp_path)

    assert running.engine.status.phase == "connecting to Kafka"
    with pytest.raises(NotReadyError, match="connecting to Kafka"):
        _ = running.engine.book
    assert running.engine.is_alive
    running.engine.stop()
    phase: str = running.engine.status.phase
    assert phase == "stopped"
