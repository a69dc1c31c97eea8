"""Fixtures with a real Apache Kafka."""

from collections.abc import Iterator, Mapping

import pytest

from closecast.kafka import KafkaSettings
from tests.support.kafka.broker import KafkaBroker, KafkaNotInstallableError
from tests.support.kafka.certificates import Certificates
from tests.support.kafka.strimzi import names_of_users, set_up
from tests.support.requirements import skip_or_fail


def _new_broker(
    factory: pytest.TempPathFactory,
    passwords: Mapping[str, str] | None = None,
    certificates: Certificates | None = None,
) -> KafkaBroker:
    try:
        return KafkaBroker(factory.mktemp("kafka"), passwords, certificates)
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


@pytest.fixture(scope="session")
def guarded_kafka_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaBroker]:
    """Return a broker with the topics and users of k8s/kafka, who may do what is said there and nothing else."""
    with _new_broker(tmp_path_factory, {user: f"of-{user}" for user in names_of_users()}) as broker:
        set_up(broker.settings())
        yield broker


@pytest.fixture(scope="module")
def encrypted_kafka_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaBroker]:
    """Return a broker that is reached by TLS: by user "closecast" with a password, or by a client's certificate."""
    certificates = Certificates(tmp_path_factory.mktemp("certificates"), KafkaBroker.host)
    with _new_broker(tmp_path_factory, {"closecast": "right"}, certificates) as broker:
        yield broker
