"""A real Apache Kafka (KRaft, one node) from Maven Central's jars, for tests and benchmarks."""

from tests.support.kafka.broker import KafkaBroker, KafkaNotInstallableError

__all__ = ["KafkaBroker", "KafkaNotInstallableError"]
