"""A training that spreads over a Ray cluster of k8s/ray-training, of one worker here."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
import yaml

from tests.charts.charts import ROOT
from tests.e2e.trainings import is_judged, train
from tests.support.cluster import kubectl
from tests.support.images import PREFIX, TAG
from tests.support.release import NAME, Release, eventually

pytestmark = pytest.mark.timeout(1500)

HEAD = "ray://closecast-training-head-svc:10001"
NODES = "ray.io/cluster=closecast-training,ray.io/node-type="
WHO_HAS_TORCH = "grep -ls libtorch /proc/[0-9]*/maps | wc -l"


def manifests(namespace: str) -> Iterator[dict[str, Any]]:
    for one in yaml.safe_load_all(kubectl("kustomize", str(ROOT / "k8s/ray-training"))):
        one["metadata"]["namespace"] = namespace
        if one["kind"] == "RayCluster":
            (workers,) = one["spec"]["workerGroupSpecs"]
            workers |= {"replicas": 1, "minReplicas": 1, "maxReplicas": 1}
            for group in (one["spec"]["headGroupSpec"], workers):
                (container,) = group["template"]["spec"]["containers"]
                container["image"] = f"{PREFIX}closecast/trainer:{TAG}"
                container["resources"]["requests"]["cpu"] = "50m"
        yield one


@pytest.fixture
def workers(release: Release) -> Iterator[list[str]]:
    """Return the cluster's workers, and let the trainer train there meanwhile."""
    document = {"apiVersion": "v1", "kind": "List", "items": list(manifests(release.namespace))}
    release.kubectl("apply", "--filename=-", document=document)
    try:
        for node_type in ("head", "worker"):
            eventually(partial(release.pods, NODES + node_type), f"a {node_type} of the training cluster")
            release.kubectl("wait", "--for=condition=Ready", "pod", f"--selector={NODES}{node_type}", "--timeout=110s")
        release.install(trainer__ray__address=HEAD)
        yield release.pods(NODES + "worker")
    finally:
        release.install()
        release.kubectl("delete", "--filename=-", "--ignore-not-found", document=document)


def test_a_training_is_taught_on_the_nodes_of_a_ray_cluster(release: Release, workers: list[str]) -> None:
    (worker,) = workers

    def teaches() -> bool:
        told = release.kubectl("exec", worker, "--container=ray-worker", "--", "sh", "-c", WHO_HAS_TORCH)
        return int(told) > 0

    training = train(release, epochs=20)
    eventually(teaches, "an LSTM taught on a worker")
    eventually(lambda: is_judged(release, training), "a judged version", 600)
    assert f"on the Ray cluster at {HEAD}" in release.kubectl("logs", f"deployment/{NAME}-trainer")
