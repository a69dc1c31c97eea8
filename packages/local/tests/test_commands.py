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


def test_the_broker_is_asked_seldom_while_nothing_comes_and_what_comes_is_read(
    kafka: KafkaSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    questions: list[float] = []
    ask = KafkaConsumer.poll

    def counting(consumer: KafkaConsumer, *arguments: Any, **options: Any) -> Any:
        questions.append(time.monotonic())
        return ask(consumer, *arguments, **options)

    consumer = new_consumer(kafka, "test")
    consumer.assign(partitions_of(consumer, kafka.topics.quotes))
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


def test_a_member_of_a_group_never_pauses(kafka: KafkaSettings) -> None:
    consumer = new_consumer(kafka, "test", group_id="test")

    assert type(consumer) is KafkaConsumer
    consumer.close()
