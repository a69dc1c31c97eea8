"""Empties a Ray node whose pod is to go: ``python -m closecast_predictor.drain SECONDS``, a worker's `preStop` hook.

Ray Serve starts each of its replicas on another node, sends requests there, and ends the one here once it has answered.
"""

import subprocess
import sys
import time
from typing import Final

import psutil

_REPLICA: Final = "ray::ServeReplica"
_ACCEPTED_S: Final = 30.0
_LOOK_S: Final = 0.5


def drain(seconds: int) -> bool:
    """Have Ray take this node's replicas elsewhere, and wait for it.

    Args:
        seconds: How long it may take; then Ray Serve ends the replicas where they are.

    Returns:
        Whether no replica is left.

    Raises:
        subprocess.SubprocessError: If Ray does not accept it, or there is no Ray to ask.
    """
    deadline = time.monotonic() + seconds
    reason = ("--reason", "DRAIN_NODE_REASON_PREEMPTION", "--reason-message", "the pod is being deleted")
    command = ("ray", "drain-node", *reason, "--deadline-remaining-seconds", str(seconds))
    subprocess.run(command, check=True, timeout=_ACCEPTED_S)  # noqa: S603 - all of it stands above
    while _has_replicas():
        if time.monotonic() > deadline:
            return False
        time.sleep(_LOOK_S)
    return True


def _has_replicas() -> bool:
    found = psutil.process_iter(["cmdline"])
    return any((process.info["cmdline"] or [""])[0].startswith(_REPLICA) for process in found)


if __name__ == "__main__":
    sys.exit(0 if drain(int(sys.argv[1])) else 1)
