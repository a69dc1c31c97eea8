"""Fixtures that the tests of every package may use."""

import signal

import pytest
from hypothesis import settings

# A busy machine is no fault of the code.
settings.register_profile("closecast", deadline=None)
settings.load_profile("closecast")

# A shell starts what it puts in the background with Ctrl-C ignored, and tests would hand that on to what they start.
signal.signal(signal.SIGINT, signal.default_int_handler)

pytest_plugins = [
    "tests.support.cluster",
    "tests.support.kafka.fixtures",
    "tests.support.mlflow",
    "tests.support.ray_cluster",
]

_MARKERS = {
    "kafka": {"kafka_broker", "own_kafka_broker", "guarded_kafka_broker", "encrypted_kafka_broker"},
    "mlflow": {"mlflow_server_uri"},
    "ray": {"ray_nodes"},
    "browser": {"browser"},
    "cluster": {"cluster"},
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that use a broker, a registry, a browser or a cluster, so that ``-m`` finds them."""
    for item in items:
        for marker, fixtures in _MARKERS.items():
            if fixtures.intersection(getattr(item, "fixturenames", ())):
                item.add_marker(marker)
