"""POST /predict of a known symbol: one replica against bare FastAPI and against Ray Serve's default mode.

All three return the same bytes to the same generator with 32 connections. Rounds of a pair alternate, and the ratio is
the median over rounds, so that what else the machine does hits both.
"""

import statistics
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import httpx

from benchmarks.load import LoadResult, result_of, start_load
from benchmarks.report import Figures, Target, report
from benchmarks.system import b3_quotes, running_system
from closecast.ports import free_ports
from closecast_local.commands import environment
from closecast_local.processes import Command, Supervisor
from closecast_local.readiness import http_answers, wait_until

BODY: Final = b'{"symbol": "PETR3.SA"}'
CONNECTIONS: Final = 32
SECONDS: Final = 4.0
ROUNDS: Final = 3
_START_S: Final = 240.0


@dataclass(frozen=True, slots=True)
class Pair:
    """What was measured of a candidate and, in turn with it, of bare FastAPI."""

    candidate: list[LoadResult]
    bare: list[LoadResult]

    @property
    def ratio(self) -> float:
        """Requests a second of the candidate as a multiple of bare FastAPI's, the median of the rounds."""
        rounds = zip(self.candidate, self.bare, strict=True)
        return statistics.median(candidate.rps / bare.rps for candidate, bare in rounds)


def main() -> int:
    """Measure, report, and return 0 if the targets were met."""
    with running_system(b3_quotes(21, 400)) as system:
        answer = httpx.post(f"{system.address}/predict", content=BODY, trust_env=False).raise_for_status().content
        with peer("bare_fastapi", answer) as bare:
            closecast = measure(system.address, bare)
    with peer("default_serve", answer) as address, peer("bare_fastapi", answer) as bare:
        default = measure(address, bare)
    rows = {
        "Closecast, one Api replica": figures(closecast.candidate),
        "FastAPI + uvicorn beside it": figures(closecast.bare),
        "Ray Serve, default mode": figures(default.candidate),
        "FastAPI + uvicorn beside that": figures(default.bare),
    }
    failures = sum(one.failures for one in closecast.candidate)
    targets = [
        Target("requests a second, as a multiple of bare FastAPI", closecast.ratio, 0.6),
        Target("requests a second, as a multiple of default Ray Serve", closecast.ratio / default.ratio, 5.0),
        Target("failed requests", float(failures), 0.0, at_least=False),
    ]
    title = f"POST /predict, {CONNECTIONS} connections, {len(answer)} bytes, {ROUNDS} rounds of {SECONDS:g} s"
    return 0 if report("predict", title, rows, targets) else 1


@contextmanager
def peer(module: str, answer: bytes) -> Iterator[str]:
    """Run a peer that answers with these bytes, for the length of a block, and yield its address."""
    with TemporaryDirectory(prefix="closecast-bench-") as name, Supervisor() as supervisor:
        folder = Path(name)
        (folder / "answer.json").write_bytes(answer)
        (port,) = free_ports(1)
        command = Command(
            name=module,
            arguments=(sys.executable, "-m", f"benchmarks.peers.{module}", str(port), str(folder / "answer.json")),
            log=folder / "peer.log",
            environment=environment(),
            folder=Path(__file__).resolve().parent.parent,
            grace_s=30.0,
        )
        supervisor.start(command)
        address = f"http://127.0.0.1:{port}"
        wait_until(lambda: http_answers(f"{address}/docs"), module, _START_S, check=supervisor.require_alive)
        yield address


def measure(address: str, bare: str) -> Pair:
    """Load two addresses in turn, after a first load that does not count: proxies and replicas have to meet."""
    pair = Pair([], [])
    result_of(start_load(f"{address}/predict", BODY, CONNECTIONS, SECONDS))
    for _ in range(ROUNDS):
        for results, base in ((pair.candidate, address), (pair.bare, bare)):
            results.append(result_of(start_load(f"{base}/predict", BODY, CONNECTIONS, SECONDS)))
    return pair


def figures(results: list[LoadResult]) -> Figures:
    """Return the medians over the rounds."""
    return {
        "requests/s": statistics.median(one.rps for one in results),
        "p50 ms": statistics.median(one.p50_ms for one in results),
        "p99 ms": statistics.median(one.p99_ms for one in results),
        "failures": sum(one.failures for one in results),
    }


if __name__ == "__main__":
    sys.exit(main())
