"""The MLflow that the umbrella chart brings, started as its pod starts it: it alone has the key to the store in S3."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
import requests
from moto.server import ThreadedMotoServer
from prometheus_client import CollectorRegistry

from closecast.events import ModelEvent, TrainingRequest
from closecast.mlflow_settings import ARTIFACT_PATH, MlflowSettings
from closecast.ports import free_ports
from closecast_local.commands import program
from closecast_local.processes import Child, Command
from closecast_local.readiness import http_answers, wait_until
from closecast_predictor.registry import Registry as PredictorsRegistry
from closecast_trainer.decisions import Decisions
from closecast_trainer.metrics import TrainerMetrics
from closecast_trainer.registry import Registry, Standing
from tests.charts.charts import CI_VALUES, Charts, Object, name_of

pytestmark = [pytest.mark.charts, pytest.mark.mlflow]

BUCKET, FOLDER = "models", "closecast"
START_S = 120.0
HOST = "127.0.0.1"
_AS_ADMINISTRATOR = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}'


@dataclass(frozen=True, slots=True)
class Store:
    """An S3 API with a bucket, which refuses whoever does not sign with its key; it has no answer to presigned URLs."""

    endpoint: str
    key_id: str
    key: str

    def client(self, service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name="us-east-1",
            aws_access_key_id=self.key_id,
            aws_secret_access_key=self.key,
        )

    def names(self) -> set[str]:
        """Return the names of what is in the bucket."""
        return {one["Key"] for one in self.client("s3").list_objects_v2(Bucket=BUCKET).get("Contents", ())}


@pytest.fixture
def store() -> Iterator[Store]:
    server = ThreadedMotoServer(ip_address=HOST, port=0, verbose=False)
    server.start()
    endpoint = "http://{}:{}".format(*server.get_host_and_port())
    anyone = Store(endpoint, "any", "any")
    iam = anyone.client("iam")
    iam.create_user(UserName="mlflow")
    iam.put_user_policy(UserName="mlflow", PolicyName="all", PolicyDocument=_AS_ADMINISTRATOR)
    key = iam.create_access_key(UserName="mlflow")["AccessKey"]
    anyone.client("s3").create_bucket(Bucket=BUCKET)
    count_keys = f"{endpoint}/moto-api/reset-auth"
    requests.post(count_keys, data=b"0", timeout=10).raise_for_status()  # after that many requests
    try:
        yield Store(endpoint, key["AccessKeyId"], key["SecretAccessKey"])
    finally:
        requests.post(count_keys, data=b"inf", timeout=10)
        server.stop()


def mlflow_container(charts: Charts, store: Store) -> Object:
    [values] = [path for path in CI_VALUES if name_of(path) == "closecast-mlflow-s3"]
    rendering = charts.render("closecast", values, mlflow__s3__endpointUrl=store.endpoint)
    [container] = rendering.one("Deployment", "mlflow")["spec"]["template"]["spec"]["containers"]
    return dict(container)


def environment_of(container: Object, secrets: dict[tuple[str, str], str]) -> dict[str, str]:
    """Return the variables of a container as the kubelet would, and nothing that is this machine's but the PATH."""
    variables = {"PATH": os.environ["PATH"]}
    for one in container["env"]:
        reference = one.get("valueFrom", {}).get("secretKeyRef")
        variables[one["name"]] = secrets[reference["name"], reference["key"]] if reference else one["value"]
    return variables


@contextmanager
def running(container: Object, environment: dict[str, str], folder: Path) -> Iterator[str]:
    """Run what a container runs, on a port of this machine's own, and yield its address."""
    (port,) = free_ports(1)
    executable, *arguments = container["command"] + container["args"] + [f"--host={HOST}", f"--port={port}"]
    uri = f"http://localhost:{port}"  # a name that it lets itself be asked by
    child = Child(Command("mlflow", (program(executable), *arguments), folder / "mlflow.log", environment, folder))
    try:
        wait_until(lambda: http_answers(f"{uri}/health"), "MLflow", START_S, check=child.require_alive)
        yield uri
    finally:
        child.stop()


def promote(settings: MlflowSettings, version: Path) -> str:
    """Register a version and make it champion as the trainer does; return its run."""
    registry = Registry(settings, threading.Event(), TrainerMetrics(CollectorRegistry()))
    request = TrainingRequest(model=settings.model)
    run_id = registry.start_run(request, "identity", {"epochs": 3})
    registry.log_folder(run_id, version, ARTIFACT_PATH)
    event = ModelEvent(request_id=request.id, model=request.model, outcome="promoted", run_id=run_id, reason="test")
    decisions = Decisions(registry)
    decisions.decide(run_id, event, Standing())
    decisions.apply(run_id)
    return run_id


def test_versions_go_through_mlflow_into_the_bucket_and_back(charts: Charts, store: Store, tmp_path: Path) -> None:
    container = mlflow_container(charts, store)
    secrets = {
        ("mlflow-database", "uri"): f"sqlite:///{tmp_path / 'mlflow.db'}",
        ("minio", "access-key-id"): store.key_id,
        ("minio", "secret-access-key"): store.key,
    }
    version = tmp_path / "version"
    version.mkdir()
    (version / "network.onnx").write_bytes(os.urandom(300_000))

    with running(container, environment_of(container, secrets), tmp_path) as uri:
        settings = MlflowSettings(tracking_uri=uri)
        run_id = promote(settings, version)
        registry = PredictorsRegistry(settings)
        champion = registry.champion(settings.model)
        assert champion is not None
        (tmp_path / "loaded").mkdir()
        loaded = registry.download(champion, tmp_path / "loaded")

    assert (champion.version, champion.run_id) == ("1", run_id)
    assert (loaded / "network.onnx").read_bytes() == (version / "network.onnx").read_bytes()
    [stored] = [name for name in store.names() if name.endswith(f"{run_id}/artifacts/{ARTIFACT_PATH}/network.onnx")]
    assert stored.startswith(f"{FOLDER}/")
