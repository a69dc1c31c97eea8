"""Fixtures with a real Apache Kafka."""

from collections.abc import Iterator

import pytest

from closecast.kafka import KafkaSettings
from tests.support.kafka.broker import KafkaBroker, KafkaNotInstallableError
from tests.support.requirements import skip_or_fail


def _new_broker(factory: pytest.TempPathFactory) -> KafkaBroker:
    try:
        return KafkaBroker(factory.mktemp("kafka"))
    except KafkaNotInstallableError as error:
        skip_or_fail(str(error))


@pytest.fixture(scope="session")
def kafka_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaBroker]:
    """Return the broker that the whole session shares; leave it running."""
    with _new_broker(tmp_path_factory) as broker:
        yield broker


@pytest.fixture
def kafka_settings(kafka_broker: KafkaBroker) -> KafkaSettings:
    """Return settings for the shared broker with a topic prefix of this test's own."""
    return kafka_broker.settings()


@pytest.fixture
def own_kafka_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaBroker]:
    """Return a broker that only this test uses, so that it may be killed."""
    with _new_broker(tmp_path_factory) as broker:
        yield broker
