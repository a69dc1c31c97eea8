"""POST /predict of a known symbol: one replica against bare FastAPI, Ray Serve's default mode and the usual tutorial.

Bare FastAPI and Ray Serve return the same bytes as Closecast; the tutorial's API computes its forecast.
"""

import sys
from typing import Final

import httpx

from benchmarks.pairs import CONNECTIONS, ROUNDS, SECONDS, Question, figures, measure, peer
from benchmarks.peers.tutorial_api import token
from benchmarks.report import Target, report
from benchmarks.system import b3_quotes, running_system

BODY: Final = b'{"symbol": "PETR3.SA"}'


def main() -> int:
    """Measure, report, and return 0 if the targets were met."""
    with running_system(b3_quotes(21, 400)) as system:
        closecast = Question(f"{system.address}/predict", BODY)
        answer = httpx.post(closecast.url, content=BODY, trust_env=False).raise_for_status().content
        with peer("bare_fastapi", answer) as address:
            bare = measure(closecast, Question(f"{address}/predict", BODY))
        with peer("tutorial_api") as address:
            headers = {"Authorization": f"Bearer {token()}"}
            tutorial = measure(closecast, Question(f"{address}/predict", BODY, headers))
    with peer("default_serve", answer) as address, peer("bare_fastapi", answer) as beside:
        default = measure(Question(f"{address}/predict", BODY), Question(f"{beside}/predict", BODY))
    rows = {
        "Closecast, one Api replica": figures(bare.candidate),
        "FastAPI + uvicorn beside it": figures(bare.peer),
        "API of the usual tutorial": figures(tutorial.peer),
        "Ray Serve, default mode": figures(default.candidate),
        "FastAPI + uvicorn beside that": figures(default.peer),
    }
    targets = [
        Target("requests a second, as a multiple of bare FastAPI", bare.speed, 1.0),
        Target("p99, as a multiple of bare FastAPI's", bare.p99, 1.0, at_least=False),
        Target("requests a second, as a multiple of the tutorial's", tutorial.speed, 10.0),
        Target("requests a second, as a multiple of default Ray Serve", bare.speed / default.speed, 5.0),
        Target("failed requests", float(bare.failures + tutorial.failures), 0.0, at_least=False),
    ]
    title = f"POST /predict, {CONNECTIONS} connections, {len(answer)} bytes, {ROUNDS} rounds of {SECONDS:g} s"
    return 0 if report("predict", title, rows, targets) else 1


if __name__ == "__main__":
    sys.exit(main())
