"""The umbrella chart, installed on a cluster and asked through its ingress."""

import json
import logging
import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import httpx

from tests.charts.charts import ROOT, TOOLS
from tests.support.cluster import Namespace, kubectl
from tests.support.images import PREFIX, TAG

NAME: Final = "closecast"
HOST: Final = "closecast.example"
INGRESS: Final = os.environ.get("INGRESS", "http://127.0.0.1")
"""Where the cluster's ingress controller listens."""

TLS_INGRESS: Final = os.environ.get("TLS_INGRESS", "https://127.0.0.1")
"""Where it listens for TLS."""

_EVENTUALLY_S: Final = 300.0
_LOOK_S: Final = 0.5
_ANSWER_S: Final = 40.0
_HELM_S: Final = 900
_RAY: Final = "app.kubernetes.io/component=ray,ray.io/node-type="
_log: Final = logging.getLogger(__name__)
logging.getLogger("httpx").setLevel(logging.WARNING)


class Release:
    """The system in a namespace of its own.

    Args:
        namespace: Where to.
        values: What it is installed with.
        key: API key, where callers need one.
    """

    def __init__(self, namespace: Namespace, values: Path, key: str = "") -> None:
        self.namespace = namespace.name
        self._values = values
        self._headers = {"Host": HOST} | ({"Authorization": f"Bearer {key}"} if key else {})
        self._http = self.client()

    def client(self) -> httpx.Client:
        """Return a client of the ingress that may do everything."""
        return httpx.Client(base_url=INGRESS, headers=self._headers, timeout=_ANSWER_S, trust_env=False)

    def install(self, **changes: object) -> None:
        """Install or upgrade it; further values by path (predictor__serve__targetBusy=…)."""
        command = ["upgrade", "--install", NAME, str(ROOT / "charts/closecast"), f"--values={self._values}"]
        images = {f"{one}__image__tag": TAG for one in ("ingestor", "trainer", "predictor")}
        images |= {"global__imageRegistry": PREFIX.rstrip("/")} if PREFIX else {}
        for path, value in (images | changes).items():
            command += ["--set-json", f"{path.replace('__', '.')}={json.dumps(value)}"]
        self.helm(*command)

    def helm(self, *arguments: str) -> str:
        """Run Helm in the namespace and return its output."""
        program = shutil.which("helm") or str(TOOLS / "helm")
        done = subprocess.run(
            (program, "--namespace", self.namespace, *arguments),
            capture_output=True,
            text=True,
            timeout=_HELM_S,
            check=False,
        )
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        return done.stdout

    def kubectl(self, *arguments: str, **options: Any) -> str:
        """Run kubectl in the namespace and return its output."""
        return kubectl("--namespace", self.namespace, *arguments, **options)

    def objects(self, kind: str, selector: str = "") -> list[dict[str, Any]]:
        """Return the objects of a kind."""
        found = self.kubectl("get", kind, "--output=json", *([f"--selector={selector}"] if selector else []))
        items: list[dict[str, Any]] = json.loads(found)["items"]
        return items

    def pods(self, selector: str) -> list[str]:
        """Return the names of the pods that run and are not about to end."""
        running = [one for one in self.objects("pods", selector) if one["status"]["phase"] == "Running"]
        return [one["metadata"]["name"] for one in running if "deletionTimestamp" not in one["metadata"]]

    def ray_pods(self, node_type: str) -> list[str]:
        """Return the names of the Ray pods of a type, head or worker."""
        return self.pods(_RAY + node_type)

    def workers_with(self, deployment: str) -> list[str]:
        """Return the workers that a replica of a deployment of Ray Serve runs on."""
        return [pod for pod in self.ray_pods("worker") if self.replicas_on(pod, deployment)]

    def replicas_on(self, worker: str, deployment: str) -> list[int]:
        """Return the process ids of a deployment's replicas on a worker."""
        command = "for at in /proc/[0-9]*; do echo $(basename $at) $(tr '\\0' ' ' < $at/cmdline); done 2>/dev/null"
        told = self.kubectl("exec", worker, "--container=ray-worker", "--", "sh", "-c", command)
        processes = [line.partition(" ") for line in told.splitlines()]
        return [int(pid) for pid, _, name in processes if name.startswith(f"ray::ServeReplica:closecast:{deployment}")]

    def delete_pod(self, name: str, *options: str) -> None:
        """Delete a pod, and do not wait until it is gone."""
        self.kubectl("delete", "pod", name, "--wait=false", *options)

    def get(self, path: str) -> httpx.Response:
        """Return the answer to a GET through the ingress."""
        return self._http.get(path)

    def post(self, path: str, body: dict[str, Any]) -> httpx.Response:
        """Return the answer to a JSON body through the ingress."""
        return self._http.post(path, json=body)

    def answers(self, path: str) -> bool:
        """Tell whether a GET is answered well through the ingress."""
        try:
            return self.get(path).is_success
        except httpx.HTTPError:
            return False

    def forecast(self, symbol: str) -> dict[str, Any]:
        """Return the forecast of a symbol."""
        answer: dict[str, Any] = self.get(f"/forecast/{symbol}").raise_for_status().json()
        return answer

    def publish_next_session(self, symbol: str, change: float) -> str:
        """Publish the quote of the session that is forecast next, and return that session.

        Args:
            symbol: A US share.
            change: Its close, as a multiple of the last one.
        """
        forecast = self.forecast(symbol)
        session, close = forecast["forecast"][0]["session"], forecast["last_close"] * change
        prices = ", ".join(f"{name}={close}" for name in ("open", "high", "low", "close", "adjusted_close"))
        event = (
            f"Quote(symbol={symbol!r}, session=date.fromisoformat({session!r}), exchange='XNYS', {prices}, volume=1000,"
            " currency='USD', source='tests', as_of=datetime.now(UTC))"
        )
        self.publish("quotes", event)
        return str(session)

    def publish(self, topic: str, event: str) -> None:
        """Put an event, Python that makes it, on a topic: `quotes`, `training_requests`, …."""
        code = (
            "from datetime import *; from closecast.events import *\n"
            "from closecast.kafka import KafkaSettings, Publisher\n"
            "kafka = KafkaSettings()\n"
            f"event = {event}\n"
            f"publisher = Publisher(kafka, 'e2e'); publisher.send(kafka.topics.{topic}, event)\n"
            "publisher.flush(); publisher.close()\n"
        )
        self.kubectl("exec", f"deployment/{NAME}-ingestor", "--", "python", "-c", code)

    def mlflow(self, path: str) -> dict[str, Any]:
        """Return what MLflow itself answers, past the predictor."""
        code = f"import urllib.request as u; print(u.urlopen('http://localhost:5000/api/2.0/mlflow/{path}').read().decode())"
        answer: dict[str, Any] = json.loads(
            self.kubectl("exec", f"deployment/{NAME}-mlflow", "--", "python", "-c", code)
        )
        return answer

    def raw(self, path: str) -> str:
        """Return what Kubernetes' API answers at a path of the namespace, such as `pods/NAME:PORT/proxy/metrics`."""
        return kubectl("get", "--raw", f"/api/v1/namespaces/{self.namespace}/{path}")

    def prometheus(self, path: str) -> Any:
        """Return the data of an answer of the namespace's Prometheus."""
        return json.loads(self.raw(f"services/prometheus-operated:9090/proxy/api/v1/{path}"))["data"]


def eventually(condition: Callable[[], object], what: str, limit_s: float = _EVENTUALLY_S) -> None:
    """Wait until a condition holds, and log how long it took.

    Raises:
        AssertionError: If it does not in time.
    """
    began = time.monotonic()
    while True:
        try:
            if condition():
                _log.info("%s after %.1f s", what, time.monotonic() - began)
                return
        except (httpx.HTTPError, subprocess.CalledProcessError):
            pass
        assert time.monotonic() - began < limit_s, f"after {limit_s:.0f} s still not: {what}"
        time.sleep(_LOOK_S)
