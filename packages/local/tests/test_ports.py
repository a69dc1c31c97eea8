import os
import socket

from closecast_local.ports import holder_of


def test_a_port_that_somebody_listens_on_has_a_holder() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert f"process {os.getpid()}" in (holder_of(port) or "")
    assert holder_of(port) is None
