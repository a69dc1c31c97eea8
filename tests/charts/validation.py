"""Whether Kubernetes and the operators would take objects, by the schemas of both."""

import subprocess
from pathlib import Path

from tests.charts.charts import CRDS, TOOLS

KUBERNETES = ("1.27", "1.30")
"""The oldest version that the charts are for, and the newest whose schemas kubectl-validate has."""

RESTRICTED = {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}
"""The security context of every container."""


def validate(objects: Path, version: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [TOOLS / "kubectl-validate", objects, "--local-crds", CRDS, "--version", version],
        capture_output=True,
        text=True,
        check=False,
    )
