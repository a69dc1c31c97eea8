import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from closecast.ports import free_ports
from closecast_local.commands import noida_broker
from closecast_local.processes import Child
from closecast_local.readiness import NotReadyError, http_answers, kafka_answers, wait_until


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    (tmp_path / "health").write_text("OK")

    class Files(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments: object) -> None:
            super().__init__(*arguments, directory=str(tmp_path))  # type: ignore[arg-type]

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Files) as files:
        threading.Thread(target=files.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{files.server_port}"
        files.shutdown()


def test_http_answers_only_where_the_answer_is_good(server: str) -> None:
    assert http_answers(f"{server}/health")
    assert not http_answers(f"{server}/missing")
    assert not http_answers("http://127.0.0.1:1/health")


def test_the_embedded_broker_answers_and_stops(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    assert not kafka_answers("127.0.0.1", port)
    child = Child(noida_broker(tmp_path / "data", port, log=tmp_path / "broker.log"))
    wait_until(lambda: kafka_answers("127.0.0.1", port), "broker", 60, check=child.require_alive)
    child.stop()
    assert not kafka_answers("127.0.0.1", port)


def test_waiting_ends_with_a_clear_message() -> None:
    with pytest.raises(NotReadyError, match=r"^the moon is not ready after 0\.01 s$"):
        wait_until(lambda: False, "the moon", 0.01)


def test_waiting_ends_when_the_check_finds_a_fault() -> None:
    def check() -> None:
        raise ChildProcessError("dead")

    with pytest.raises(ChildProcessError, match="dead"):
        wait_until(lambda: False, "the moon", 60, check=check)
