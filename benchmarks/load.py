"""A keep-alive HTTP/1.1 load generator that costs little, so that a peer is measured and not the generator.

It writes one ready-made request on each of its connections and sends the next when the answer is complete, or with a
rate when it is due; latencies then count from the time it was due, so that a stall is not hidden by its own pause.
Only loopback addresses are accepted, and both duration and connections are bounded. Run it as a process of its own::

    python -m benchmarks.load http://127.0.0.1:8000/predict --body '{"symbol": "PETR4.SA"}' --connections 32 --seconds 5
"""

from __future__ import annotations

import argparse
import asyncio
import ipaddress
import json
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import cast
from urllib.parse import urlsplit

import uvloop

from benchmarks.load_result import LoadResult

NO_HEADERS: Mapping[str, str] = MappingProxyType({})
MAX_CONNECTIONS = 256
MAX_SECONDS = 300.0


@dataclass
class _Run:
    """What all connections of one run share; an answer is the time when it came and how long it took, in seconds."""

    request: bytes
    host: str
    port: int
    interval_s: float
    answers: list[tuple[float, float]] = field(default_factory=list)
    failures: int = 0
    first_failure: str = ""
    stopped: bool = False
    connecting: set[asyncio.Task[None]] = field(default_factory=set)

    def fail(self, reason: str) -> None:
        self.failures += 1
        self.first_failure = self.first_failure or reason

    async def connect(self) -> None:
        await asyncio.get_running_loop().create_connection(lambda: _Connection(self), self.host, self.port)

    async def _connect_again(self) -> None:
        try:
            await self.connect()
        except OSError as error:
            self.fail(f"cannot connect: {error}")
            await asyncio.sleep(0.05)
            self.replace_connection()

    def replace_connection(self) -> None:
        if not self.stopped:
            task = asyncio.get_running_loop().create_task(self._connect_again())
            self.connecting.add(task)
            task.add_done_callback(self.connecting.discard)


class _Connection(asyncio.Protocol):
    """Sends the run's request again and again and times each answer, until the run stops."""

    def __init__(self, run: _Run) -> None:
        self._run = run
        self._buffer = bytearray()
        self._due = time.perf_counter()
        self._waiting = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.WriteTransport", transport)  # uvloop's is no subclass
        self._send()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = bytes(self._buffer[:end]).lower()
        length_at = head.find(b"content-length:")
        length = int(head[length_at + 15 :].split(b"\r\n", 1)[0]) if length_at >= 0 else 0
        if len(self._buffer) < end + 4 + length:
            return
        self._waiting = False
        if head[9:12] == b"200" and length_at >= 0:
            now = time.perf_counter()
            self._run.answers.append((now, now - self._due))
        else:
            self._run.fail(bytes(self._buffer[:400]).decode(errors="replace"))
        self._buffer.clear()
        if self._run.stopped or b"connection: close" in head:
            self._transport.close()
        else:
            self._send_when_due()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._waiting:
            self._run.fail(f"the connection was lost before the answer: {exc!r}")
        self._run.replace_connection()

    def _send_when_due(self) -> None:
        now = time.perf_counter()
        if not self._run.interval_s:
            self._due = now
            self._send()
            return
        self._due += self._run.interval_s
        asyncio.get_running_loop().call_later(max(0.0, self._due - now), self._send)

    def _send(self) -> None:
        if self._transport.is_closing():
            return
        self._waiting = True
        self._transport.write(self._run.request)


async def load(
    url: str,
    body: bytes | None,
    connections: int,
    seconds: float,
    *,
    rate: float = 0.0,
    warmup: float = 1.0,
    headers: Mapping[str, str] = NO_HEADERS,
) -> LoadResult:
    """Load `url` (POST when there is a body) for `seconds` after `warmup` seconds.

    Args:
        url: What is asked for.
        body: What is posted, JSON unless the headers say otherwise; None to get.
        connections: Requests under way at the same time.
        seconds: How long is measured.
        rate: Requests a second, 0 for as many as are answered.
        warmup: Seconds before that.
        headers: Further headers of each request.

    Raises:
        ValueError: when a bound is exceeded or `url` is not plain http on a loopback address.
        OSError: when no connection can be made at the start.
    """
    if not 1 <= connections <= MAX_CONNECTIONS or not 0 < seconds <= MAX_SECONDS:
        raise ValueError(f"at most {MAX_CONNECTIONS} connections for {MAX_SECONDS:.0f} seconds")
    run = _new_run(url, body, headers, connections / rate if rate else 0.0)
    await asyncio.gather(*(run.connect() for _ in range(connections)))
    await asyncio.sleep(warmup)
    run.answers.clear()
    started = time.perf_counter()
    await asyncio.sleep(seconds)
    answers, ended = list(run.answers), time.perf_counter()
    run.stopped = True
    await asyncio.sleep(0.2)
    return LoadResult.of(answers, started, ended, failures=run.failures, first_failure=run.first_failure)


def _new_run(url: str, body: bytes | None, headers: Mapping[str, str], interval_s: float) -> _Run:
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or 80
    if parts.scheme != "http" or not ipaddress.ip_address(host).is_loopback:
        raise ValueError(f"only http on a loopback address is loaded, not {url}")
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    told = {"Host": f"{host}:{port}", "Accept": "*/*"}
    if body is not None:
        told |= {"Content-Type": "application/json", "Content-Length": str(len(body))}
    lines = [f"{'GET' if body is None else 'POST'} {target} HTTP/1.1", *map(": ".join, (told | dict(headers)).items())]
    head = "".join(f"{line}\r\n" for line in lines)
    return _Run(head.encode() + b"\r\n" + (body or b""), host, port, interval_s)


def start_load(
    url: str,
    body: bytes | None,
    connections: int,
    seconds: float,
    *,
    rate: float = 0.0,
    headers: Mapping[str, str] = NO_HEADERS,
) -> subprocess.Popen[str]:
    """Start the generator as a process of its own, so that it shares no interpreter lock with what it measures."""
    limits = {"--connections": connections, "--seconds": seconds, "--rate": rate}
    command = [sys.executable, "-m", "benchmarks.load", url, *(str(part) for pair in limits.items() for part in pair)]
    command += [] if body is None else ["--body", body.decode()]
    command += [part for header in headers.items() for part in ("--header", *header)]
    root = Path(__file__).resolve().parent.parent
    return subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True)


def result_of(process: subprocess.Popen[str]) -> LoadResult:
    """Wait for a generator of `start_load` and return its result.

    Raises:
        RuntimeError: when the generator failed.
    """
    output, _ = process.communicate(timeout=MAX_SECONDS + 30)
    if process.returncode != 0:
        raise RuntimeError(f"the load generator ended with {process.returncode}")
    return LoadResult(**json.loads(output))


def _main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("url")
    parser.add_argument("--body", help="what is posted; without it the url is fetched with GET")
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--rate", type=float, default=0.0, help="requests a second; 0 for as many as are answered")
    parser.add_argument("--header", nargs=2, action="append", default=[], metavar=("NAME", "VALUE"))
    options = parser.parse_args()
    body = options.body.encode() if options.body else None
    run = load(options.url, body, options.connections, options.seconds, rate=options.rate, headers=dict(options.header))
    result = uvloop.run(run)
    print(json.dumps(asdict(result)))


if __name__ == "__main__":
    _main()
