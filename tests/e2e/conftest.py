from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.release import Release
from tests.support.cluster import Namespace


@pytest.fixture(scope="session")
def release(cluster: None) -> Iterator[Release]:  # noqa: ARG001 - only that it is there
    """Return the system, installed from nothing, with a Prometheus beside it; the modules share it in their order."""
    with Namespace("closecast-e2e") as namespace:
        release = Release(namespace)
        release.kubectl("apply", f"--filename={Path(__file__).parent / 'prometheus.yaml'}")
        release.install()
        yield release
