import socket
import urllib.request

import pytest
from prometheus_client import CollectorRegistry, Counter

from closecast.ports import PortInUseError
from closecast.telemetry.metrics import MetricsSettings, serve_metrics


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def test_metrics_are_served_until_stopped() -> None:
    registry = CollectorRegistry()
    Counter("closecast_test_quotes", "Quotes.", registry=registry).inc(3)
    port = free_port()
    stop = serve_metrics(MetricsSettings(port=port, host="127.0.0.1"), 0, registry)
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        assert b"closecast_test_quotes_total 3.0" in answer.read()
    stop()
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics")


def test_a_busy_port_is_named_with_what_to_do() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(PortInUseError, match=f"port {port}.*CLOSECAST_METRICS_PORT"):
            serve_metrics(MetricsSettings(port=port, host="127.0.0.1"), 0)


def test_port_0_serves_nothing() -> None:
    serve_metrics(MetricsSettings(port=0), 9201)()
