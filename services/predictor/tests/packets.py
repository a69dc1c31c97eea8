"""In how many packets an answer comes."""

import socket
import sys
from typing import Final

_DATA_SEGMENTS_IN: Final = slice(152, 156)
"""Where Linux's struct tcp_info has tcpi_data_segs_in."""


def packets_of_an_answer(address: tuple[str, int], path: str) -> int:
    """Ask a server for something and return how many packets the kernel saw come, those without data not counted."""
    with socket.create_connection(address, timeout=10) as client:
        client.sendall(f"GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n".encode())
        while client.recv(65536):
            pass
        found = client.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)[_DATA_SEGMENTS_IN]
    return int.from_bytes(found, sys.byteorder)
