"""The embedded broker itself."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaConsumer

from closecast.events import Quote
from closecast.kafka import KafkaSettings, Publisher, ensure_topics, new_consumer, partitions_of
from closecast.ports import free_ports
from closecast_local.commands import CLIENTS_OF_NOIDA, HOST, noida_broker
from closecast_local.processes import Supervisor
from closecast_local.readiness import kafka_answers, wait_until

_START_S = 60.0


@pytest.fixture
def kafka(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[KafkaSettings]:
    for name, value in CLIENTS_OF_NOIDA.items():
        monkeypatch.setenv(name, value)
    (port,) = free_ports(1)
    with Supervisor() as supervisor:
        supervisor.start(noida_broker(tmp_path / "broker", port, log=tmp_path / "broker.log"))
        wait_until(lambda: kafka_answers(HOST, port), "the broker", _START_S, check=supervisor.require_alive)
        settings = KafkaSettings(bootstrap_servers=f"{HOST}:{port}", partitions=1)
        ensure_topics(settings, settings.topics)
        yield settings


@pytest.mark.parametrize("group", [None, "test"])
def test_the_broker_is_asked_seldom_while_nothing_comes_and_what_comes_is_read(
    kafka: KafkaSettings, monkeypatch: pytest.MonkeyPatch, group: str | None
) -> None:
    questions: list[float] = []
    ask = KafkaConsumer.poll

    def counting(consumer: KafkaConsumer, *arguments: Any, **options: Any) -> Any:
        questions.append(time.monotonic())
        return ask(consumer, *arguments, **options)

    consumer = _consumer(kafka, group)
    monkeypatch.setattr(KafkaConsumer, "poll", counting)

    nothing = consumer.poll(timeout_ms=2000)
    asked = len(questions)
    publisher = Publisher(kafka, "test")
    publisher.send(kafka.topics.quotes, Quote.model_validate(Quote.example))
    publisher.close()
    (records,) = consumer.poll(timeout_ms=30_000).values()
    consumer.close()

    assert nothing == {}
    assert 3 <= asked <= 20
    assert [Quote.from_bytes(record.value).symbol for record in records] == [Quote.example["symbol"]]


def _consumer(kafka: KafkaSettings, group: str | None) -> KafkaConsumer:
    """Return a consumer of the quotes; as a member of a group once it is assigned to them."""
    if group is None:
        consumer = new_consumer(kafka, "test")
        consumer.assign(partitions_of(consumer, kafka.topics.quotes))
        return consumer
    consumer = new_consumer(kafka, "test", kafka.topics.quotes.name, group_id=group)
    deadline = time.monotonic() + _START_S
    while not consumer.assignment():
        assert time.monotonic() < deadline
        consumer.poll(timeout_ms=500)
    return consumer
