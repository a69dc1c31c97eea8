"""Ports to listen on: free ones, and a clear word about one that is not."""

import contextlib
import socket
from typing import Final

_LOOPBACK: Final = "127.0.0.1"


class PortInUseError(OSError):
    """Another process listens on the port; the message says which setting changes it."""


def free_ports(count: int) -> tuple[int, ...]:
    """Return ports of the loopback address that are free now; all are held until the last is found, so they differ."""
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind((_LOOPBACK, 0))
        return tuple(probe.getsockname()[1] for probe in probes)


def is_free(port: int, host: str = _LOOPBACK) -> bool:
    """Tell whether a server could listen on a port now."""
    try:
        _listen_briefly(host, port)
    except OSError:
        return False
    return True


def require_free_port(host: str, port: int, setting: str) -> None:
    """Check that nothing listens on a port.

    Raises:
        PortInUseError: If something does; the message names the setting.
    """
    try:
        _listen_briefly(host, port)
    except OSError as error:
        msg = f"port {port} on {host} cannot be used ({error.strerror}); set {setting} to a free one"
        raise PortInUseError(msg) from error


def _listen_briefly(host: str, port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((host, port))
