from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.e2e.credentials import Credentials
from tests.support.cluster import Namespace
from tests.support.release import Release

HERE: Final = Path(__file__).parent


@pytest.fixture(scope="session")
def credentials() -> Credentials:
    """Return what the release is closed with."""
    return Credentials()


@pytest.fixture(scope="session")
def release(cluster: None, credentials: Credentials) -> Iterator[Release]:  # noqa: ARG001 - only that it is there
    """Return the system, installed from nothing, with Prometheus and Redis beside it; the modules share it in order."""
    with Namespace("closecast-e2e") as namespace:
        release = Release(namespace, HERE / "values.yaml", credentials.key)
        for secret in credentials.objects():
            release.kubectl("create", "--filename=-", document=secret)
        for beside in ("prometheus.yaml", "redis.yaml"):
            release.kubectl("apply", f"--filename={HERE / beside}")
        release.install()
        yield release
