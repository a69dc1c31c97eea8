"""Waiting until a server really serves."""

import socket
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import httpx
from kafka import KafkaAdminClient
from kafka.errors import KafkaError

_RETRY_S: Final = 0.1


class NotReadyError(TimeoutError):
    """A server did not become ready in time; the message says which and how long it had."""


def wait_until(
    probe: Callable[[], bool], what: str, timeout_s: float, *, check: Callable[[], None] = lambda: None
) -> None:
    """Wait until a probe succeeds.

    Args:
        probe: Returns whether the thing is ready; must not raise for one that is not.
        what: Its name for the message.
        timeout_s: How long it may take.
        check: Called between probes; what it raises (a dead child) ends the waiting.

    Raises:
        NotReadyError: If it takes longer.
    """
    deadline = time.monotonic() + timeout_s
    while not probe():
        check()
        if time.monotonic() >= deadline:
            msg = f"{what} is not ready after {timeout_s:g} s"
            raise NotReadyError(msg)
        time.sleep(_RETRY_S)


def kafka_answers(host: str, port: int) -> bool:
    """Tell whether a broker answers a request for its topics."""
    if not _listens(host, port):
        return False
    try:
        admin = KafkaAdminClient(bootstrap_servers=f"{host}:{port}", bootstrap_timeout_ms=2000, request_timeout_ms=5000)
    except (KafkaError, OSError):
        return False
    try:
        admin.list_topics()
    except (KafkaError, OSError):
        return False
    finally:
        with suppress(KafkaError, OSError):
            admin.close()
    return True


def http_answers(url: str) -> bool:
    """Tell whether a GET succeeds."""
    try:
        return httpx.get(url, timeout=5.0, trust_env=False).is_success
    except httpx.HTTPError:
        return False


def _listens(host: str, port: int) -> bool:
    """Tell whether a connection is accepted: far cheaper to ask again and again than for a client to start."""
    try:
        socket.create_connection((host, port), timeout=2.0).close()
    except OSError:
        return False
    return True
