"""A namespace of the cluster that KUBECONFIG names; its pods run under Kubernetes' restricted pod security."""

import json
import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from typing import Any, Final, Self

import pytest

from tests.support.requirements import skip_or_fail

_START_S: Final = 180
_CALL_S: Final = 120
_SECURITY: Final = "pod-security.kubernetes.io/enforce"


class PodError(RuntimeError):
    """A pod did not get where it should; the message has its state, events and log."""


class Namespace:
    """A namespace that lives as long as its `with` block."""

    def __init__(self, prefix: str) -> None:
        self.name = f"{prefix}-{secrets.token_hex(3)}"

    def __enter__(self) -> Self:
        labels = {_SECURITY: "restricted"}
        metadata = {"name": self.name, "labels": labels}
        kubectl("create", "--filename=-", document={"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
        return self

    def __exit__(self, *_exception: object) -> None:
        kubectl("delete", "namespace", self.name, "--wait=false")

    def start(self, name: str, container: dict[str, Any], volumes: dict[str, dict[str, Any]]) -> "Pod":
        """Create a pod of one container, which may write into its volumes and nowhere else.

        Args:
            name: Of the pod.
            container: What the container is beside its name and security context.
            volumes: An `emptyDir` by the path that it is mounted at.
        """
        names = {path: f"volume-{number}" for number, path in enumerate(volumes)}
        security = {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        spec = {
            "restartPolicy": "Never",
            "automountServiceAccountToken": False,
            "terminationGracePeriodSeconds": 1,
            # No runAsUser: that the user is not root, the image itself has to say.
            "securityContext": {"runAsNonRoot": True, "fsGroup": 10001, "seccompProfile": {"type": "RuntimeDefault"}},
            "containers": [
                container
                | {
                    "name": "main",
                    "imagePullPolicy": "IfNotPresent",
                    "securityContext": security,
                    "volumeMounts": [{"name": names[path], "mountPath": path} for path in volumes],
                }
            ],
            "volumes": [{"name": names[path], "emptyDir": options} for path, options in volumes.items()],
        }
        metadata = {"name": name, "namespace": self.name}
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}
        kubectl("create", "--filename=-", document=pod)
        return Pod(self.name, name)


class Pod:
    """A pod of one container."""

    def __init__(self, namespace: str, name: str) -> None:
        self._at = ("--namespace", namespace)
        self._name = name

    def wait(self, condition: str = "condition=Ready") -> None:
        """Wait for a condition, in the words of `kubectl wait --for`.

        Raises:
            PodError: If it does not come.
        """
        try:
            kubectl(
                *self._at,
                "wait",
                f"--for={condition}",
                f"pod/{self._name}",
                f"--timeout={_START_S}s",
                limit_s=_START_S + 10,
            )
        except subprocess.CalledProcessError as error:
            raise PodError(f"{self._name} is not {condition}: {error.stderr}\n{self._story()}") from error

    def run(self, command: Sequence[str]) -> str:
        """Run a command in the container and return its standard output.

        Raises:
            PodError: If its exit status is not 0.
        """
        try:
            return kubectl(*self._at, "exec", self._name, "--", *command).strip()
        except subprocess.CalledProcessError as error:
            raise PodError(f"{' '.join(command)}: {error.stdout}{error.stderr}\n{self._story()}") from error

    def python(self, code: str) -> str:
        """Run Python code in the container and return its standard output."""
        return self.run(("python", "-c", code))

    def delete(self) -> None:
        """Delete the pod and wait until it is gone."""
        kubectl(*self._at, "delete", "pod", self._name)

    def _story(self) -> str:
        log = kubectl(*self._at, "logs", self._name, "--tail=50", check=False)
        return f"{kubectl(*self._at, 'describe', 'pod', self._name, check=False)}\n{log}"


def kubectl(*arguments: str, document: object = None, check: bool = True, limit_s: float = _CALL_S) -> str:
    """Run kubectl and return its standard output.

    Args:
        arguments: Of kubectl.
        document: Goes to its standard input as JSON.
        check: Whether another exit status than 0 is an error.
        limit_s: How long it may take.
    """
    text = None if document is None else json.dumps(document)
    done = subprocess.run(
        ("kubectl", *arguments), input=text, check=check, capture_output=True, text=True, timeout=limit_s
    )
    return done.stdout


@pytest.fixture(scope="session")
def cluster() -> None:
    """Make sure that there is a cluster, and a word about it."""
    if not os.environ.get("KUBECONFIG") or shutil.which("kubectl") is None:
        skip_or_fail("needs a Kubernetes cluster: set KUBECONFIG, and have kubectl on PATH")


@pytest.fixture(scope="module")
def namespace(cluster: None) -> Iterator[Namespace]:  # noqa: ARG001 - only that it is there
    """Return a namespace that the tests of a module share."""
    with Namespace("closecast-test") as namespace:
        yield namespace
