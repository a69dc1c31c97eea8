"""Who holds a port that is not free."""

from contextlib import suppress

import psutil


def holder_of(port: int) -> str | None:
    """Return name and process id of what listens on a port, or None where the system does not tell."""
    with suppress(psutil.Error):
        for connection in psutil.net_connections("tcp"):
            listens_here = connection.status == psutil.CONN_LISTEN and connection.laddr[1:2] == (port,)
            if listens_here and connection.pid is not None:
                return f"{psutil.Process(connection.pid).name()}, process {connection.pid}"
    return None
