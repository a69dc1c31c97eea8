"""By TLS to a real Apache Kafka: records pass, and whatever is wrong on either side is told by name."""

from collections.abc import Callable

import pytest
from structlog.testing import capture_logs
from tests.support.kafka import KafkaBroker
from tests.support.kafka.certificates import Certificates

from closecast.events import Quote
from closecast.kafka import (
    BrokerUnavailableError,
    KafkaSettings,
    Publisher,
    ensure_topics,
    new_consumer,
    partitions_of,
    read_to_end,
)
from closecast.telemetry.readiness import KAFKA, READINESS

QUOTE = Quote.model_validate(Quote.example)

WAYS: dict[str, Callable[[KafkaBroker], KafkaSettings]] = {
    "password": lambda broker: broker.settings_of("closecast"),
    "certificate": lambda broker: broker.settings_of_client(),
}
REFUSALS: dict[str, tuple[Callable[[KafkaBroker, Certificates], KafkaSettings], str]] = {
    "unknown authority": (
        lambda broker, others: broker.settings_of("closecast", ssl_cafile=str(others.authority)),
        r"the certificate of 127.0.0.1:\d+ is not trusted: .+ \(trusted: .+/authority\.pem\)",
    ),
    "authority not given": (
        lambda broker, _: broker.settings_of("closecast", ssl_cafile=None),
        "as CLOSECAST_KAFKA_SSL_CAFILE is not set",
    ),
    "file that is not there": (
        lambda broker, _: broker.settings_of("closecast", ssl_cafile="/nowhere/ca.crt"),
        "there is no file /nowhere/ca.crt",
    ),
    "wrong host": (
        lambda broker, _: called_localhost(broker.settings_of("closecast")),
        r"the certificate of localhost:\d+ is not valid for the name localhost",
    ),
    "no certificate": (
        lambda broker, _: broker.settings_of_client(ssl_certfile=None, ssl_keyfile=None),
        "wants a client's certificate that it trusts .sent: none, as CLOSECAST_KAFKA_SSL_CERTFILE is not set",
    ),
    "certificate of an unknown authority": (
        lambda broker, others: broker.settings_of_client(
            ssl_certfile=str(others.client), ssl_keyfile=str(others.client_key)
        ),
        r"wants a client's certificate that it trusts .sent: .+/client\.pem",
    ),
    "key of another certificate": (
        lambda broker, others: broker.settings_of_client(ssl_keyfile=str(others.client_key)),
        "key values mismatch",
    ),
}


def called_localhost(settings: KafkaSettings) -> KafkaSettings:
    """Return settings that lead to the same broker by a name that is not in its certificate."""
    servers = settings.bootstrap_servers.replace(KafkaBroker.host, "localhost")
    return settings.model_copy(update={"bootstrap_servers": servers})


@pytest.fixture(scope="module")
def others(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """Return certificates of an authority that the broker does not know."""
    return Certificates(tmp_path_factory.mktemp("others"), KafkaBroker.host)


@pytest.mark.parametrize("way", WAYS)
def test_records_pass(encrypted_kafka_broker: KafkaBroker, way: str) -> None:
    settings = WAYS[way](encrypted_kafka_broker)
    topic = settings.topics.quotes

    ensure_topics(settings, [topic])
    publisher = Publisher(settings, "test")
    publisher.send(topic, QUOTE)
    publisher.flush()
    publisher.close()

    consumer = new_consumer(settings, "test")
    (record,) = read_to_end(consumer, dict.fromkeys(partitions_of(consumer, topic), 0))
    consumer.close()
    assert Quote.from_bytes(record.value) == QUOTE
    assert KAFKA not in READINESS.missing


@pytest.mark.parametrize("case", REFUSALS)
def test_a_refusal_is_told_by_name(
    encrypted_kafka_broker: KafkaBroker, others: Certificates, caplog: pytest.LogCaptureFixture, case: str
) -> None:
    settings_of, reason = REFUSALS[case]
    settings = settings_of(encrypted_kafka_broker, others).model_copy(update={"connect_timeout_s": 1})

    with capture_logs() as lines, pytest.raises(BrokerUnavailableError, match=reason) as refused:
        ensure_topics(settings, settings.topics)

    told = READINESS.missing[KAFKA]
    assert str(refused.value) == f"no way to Kafka after 1 s: {told}"
    assert [(line["event"], line["reason"]) for line in lines] == [("waiting for Kafka", told)]
    assert not caplog.records, "kafka-python tells each try several times, with stack traces"


def test_a_wrong_password_is_told_by_name(encrypted_kafka_broker: KafkaBroker) -> None:
    # kafka-python at times misses the broker's answer, as the connection ends with it: it takes some tries.
    wrong = encrypted_kafka_broker.settings_of("closecast", sasl_password="wrong", connect_timeout_s=8)  # noqa: S106

    with pytest.raises(BrokerUnavailableError, match=r"refuses user closecast with this CLOSECAST_KAFKA_SASL_PASSWORD"):
        ensure_topics(wrong, wrong.topics)

    assert "refuses user closecast" in READINESS.missing[KAFKA]
