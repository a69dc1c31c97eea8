"""The load generator: what it tells must be what happened."""

import http.server
import threading
from collections.abc import Iterator

import pytest
from benchmarks.load import result_of, start_load
from benchmarks.load_result import LoadResult

ANSWERS = [(10.2, 0.010), (10.4, 0.020), (10.9, 0.030), (11.5, 0.500), (12.9, 0.040), (13.01, 9.0)]


def test_latencies_are_told_for_the_run_and_for_each_whole_second() -> None:
    result = LoadResult.of(ANSWERS, 10.0, 13.5, failures=2, first_failure="lost")

    assert (result.requests, result.failures, result.first_failure) == (6, 2, "lost")
    assert result.rps == pytest.approx(6 / 3.5)
    assert (result.p50_ms, result.max_ms) == (40.0, 9000.0)
    assert result.p99_ms_by_second == [30.0, 500.0, 40.0]


def test_a_run_without_answers_has_no_latency() -> None:
    result = LoadResult.of([], 0.0, 2.0, failures=1)

    assert result.requests == 0
    assert result.p99_ms != result.p99_ms
    assert len(result.p99_ms_by_second) == 2


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers what asks rightly with 200, all else with 400."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        right = (body, self.headers["content-type"], self.headers["authorization"])
        self.send_response(200 if right == (b"a,b", "text/csv", "Bearer x") else 400)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_arguments: object) -> None:
        """Stay quiet."""


@pytest.fixture
def address() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()
        thread.join()


def test_headers_and_body_arrive_and_what_is_refused_is_a_failure(address: str) -> None:
    headers = {"Content-Type": "text/csv", "Authorization": "Bearer x"}

    right = result_of(start_load(address, b"a,b", 2, 0.5, headers=headers))
    wrong = result_of(start_load(address, b"a,b", 2, 0.5))

    assert right.requests > 0
    assert right.failures == 0
    assert wrong.requests == 0
    assert wrong.failures > 0
    assert "400" in wrong.first_failure
