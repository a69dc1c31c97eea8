"""Peer: the same FastAPI application in Ray Serve's default mode, as its documentation shows it.

Only the number of requests under way is raised, to Closecast's own: at the default of 5 it would mostly wait.

python -m benchmarks.peers.default_serve PORT FILE
"""

import signal
import sys
import threading
from pathlib import Path
from typing import Any

import ray
from ray import serve

from benchmarks.peers.bare_fastapi import build


def main() -> None:
    """Serve until SIGTERM."""
    body = Path(sys.argv[2]).read_bytes()
    ray.init(num_cpus=2, include_dashboard=False, _node_ip_address="127.0.0.1")
    serve.start(http_options={"host": "127.0.0.1", "port": int(sys.argv[1])})
    application: Any = serve.deployment(serve.ingress(build(body))(), max_ongoing_requests=1000)
    serve.run(application.bind())
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    stop.wait()
    serve.shutdown()  # type: ignore[no-untyped-call]
    ray.shutdown()


if __name__ == "__main__":
    main()
