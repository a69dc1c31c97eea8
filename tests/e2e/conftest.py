from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.support.cluster import Namespace
from tests.support.release import Release

HERE: Final = Path(__file__).parent


@pytest.fixture(scope="session")
def release(cluster: None) -> Iterator[Release]:  # noqa: ARG001 - only that it is there
    """Return the system, installed from nothing, with a Prometheus beside it; the modules share it in their order."""
    with Namespace("closecast-e2e") as namespace:
        release = Release(namespace, HERE / "values.yaml")
        release.kubectl("apply", f"--filename={HERE / 'prometheus.yaml'}")
        release.install()
        yield release
