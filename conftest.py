"""Fixtures that the tests of every package may use."""

import pytest
from hypothesis import settings

# A busy machine is no fault of the code.
settings.register_profile("closecast", deadline=None)
settings.load_profile("closecast")

pytest_plugins = ["tests.support.cluster", "tests.support.kafka.fixtures", "tests.support.mlflow"]

_MARKERS = {
    "kafka": {"kafka_broker", "own_kafka_broker", "guarded_kafka_broker", "encrypted_kafka_broker"},
    "mlflow": {"mlflow_server_uri"},
    "browser": {"browser"},
    "cluster": {"cluster"},
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that use a broker, a registry, a browser or a cluster, so that ``-m`` finds them."""
    for item in items:
        for marker, fixtures in _MARKERS.items():
            if fixtures.intersection(getattr(item, "fixturenames", ())):
                item.add_marker(marker)
