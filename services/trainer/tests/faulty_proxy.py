"""A proxy before an MLflow server that answers every request with an error while it is told to."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

import httpx


class FaultyProxy:
    """Listens inside its block; passes requests on to `target`, or answers 500 while `broken` is set."""

    def __init__(self, target: str) -> None:
        self.broken = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(target, self.broken))
        self.uri = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def _handler(target: str, broken: threading.Event) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if broken.is_set():
                self.send_error(500)
                return
            headers = {"Content-Type": self.headers.get("Content-Type", "application/json")}
            answer = httpx.request(
                self.command, target + self.path, content=body, headers=headers, timeout=30, trust_env=False
            )
            self.send_response(answer.status_code)
            self.send_header("Content-Type", answer.headers.get("Content-Type", "application/json"))
            self.send_header("Content-Length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _answer  # noqa: N815 - names that http.server looks for

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    return Handler
