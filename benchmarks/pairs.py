"""Two addresses under the same load in turn: what else the machine does hits both, and the ratio stays fair."""

import statistics
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from benchmarks.load import result_of, start_load
from benchmarks.load_result import LoadResult
from benchmarks.report import Figures
from closecast.ports import free_ports
from closecast_local.commands import environment
from closecast_local.processes import Command, Supervisor
from closecast_local.readiness import http_answers, wait_until

CONNECTIONS: Final = 32
SECONDS: Final = 4.0
ROUNDS: Final = 5
_START_S: Final = 240.0


@dataclass(frozen=True, slots=True)
class Question:
    """A request that is posted again and again.

    Attributes:
        url: Where to.
        body: The body.
        headers: Headers beside those of any JSON.
    """

    url: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)

    def load(self) -> LoadResult:
        """Post it for some seconds on all connections."""
        return result_of(start_load(self.url, self.body, CONNECTIONS, SECONDS, headers=self.headers))


@dataclass(frozen=True, slots=True)
class Pair:
    """What was measured of a candidate and, in turn with it, of a peer."""

    candidate: list[LoadResult]
    peer: list[LoadResult]

    @property
    def speed(self) -> float:
        """Requests a second of the candidate as a multiple of the peer's, the median of the rounds."""
        return self._ratio(lambda one: one.rps)

    @property
    def p99(self) -> float:
        """Slowest answers of the candidate (p99) as a multiple of the peer's, the median of the rounds."""
        return self._ratio(lambda one: one.p99_ms)

    @property
    def failures(self) -> int:
        """Failed requests of the candidate."""
        return sum(one.failures for one in self.candidate)

    def _ratio(self, of: Callable[[LoadResult], float]) -> float:
        rounds = zip(self.candidate, self.peer, strict=True)
        return statistics.median(of(candidate) / of(peer) for candidate, peer in rounds)


def measure(candidate: Question, peer: Question) -> Pair:
    """Load both in turn, after a first load that does not count: proxies and replicas have to meet."""
    pair = Pair([], [])
    for question in (candidate, peer):
        question.load()
    for _ in range(ROUNDS):
        pair.candidate.append(candidate.load())
        pair.peer.append(peer.load())
    return pair


def figures(results: list[LoadResult]) -> Figures:
    """Return the medians over the rounds."""
    return {
        "requests/s": statistics.median(one.rps for one in results),
        "p50 ms": statistics.median(one.p50_ms for one in results),
        "p99 ms": statistics.median(one.p99_ms for one in results),
        "failures": sum(one.failures for one in results),
    }


@contextmanager
def peer(module: str, answer: bytes = b"") -> Iterator[str]:
    """Run a peer for the length of a block, and yield its address.

    Args:
        module: Its name under ``benchmarks/peers``.
        answer: What it answers with, if it only repeats an answer.
    """
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
