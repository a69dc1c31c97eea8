import os
import socket

from closecast_local.ports import free_ports, holder_of, is_free


def test_a_port_that_somebody_listens_on_is_not_free_and_has_a_holder() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert not is_free(port)
        assert f"process {os.getpid()}" in (holder_of(port) or "")
    assert is_free(port)
    assert holder_of(port) is None


def test_free_ports_differ() -> None:
    ports = free_ports(20)
    assert len(set(ports)) == 20
    assert all(map(is_free, ports))
