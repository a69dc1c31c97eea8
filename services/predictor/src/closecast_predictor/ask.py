"""Ask a predictor for a real forecast, as `helm test` does: `python -m closecast_predictor.ask`.

From the environment: ADDRESS of the predictor, this machine's by default; API_KEY, if it wants one; GUARDED, anything
where it must refuse those without. The exit status is 1 where there is no forecast within ten minutes.
"""

import json
import os
import sys
import time
import urllib.error
import urllib.request
from http import HTTPStatus
from typing import Final

_PATIENCE_S: Final = 600
_PAUSE_S: Final = 2
_ANSWER_S: Final = 30
_SHOWN: Final = 300


class Predictor:
    """A predictor, as whoever holds a key sees it."""

    def __init__(self, address: str, key: str | None) -> None:
        self._address = address
        self._headers = {"content-type": "application/json"} | ({"authorization": f"Bearer {key}"} if key else {})

    def ask(self, path: str, question: dict[str, object] | None = None) -> tuple[int, bytes]:
        """Return the status and the body of an answer, and print both.

        Raises:
            OSError: If nobody answers.
        """
        body = None if question is None else json.dumps(question).encode()
        request = urllib.request.Request(self._address + path, body, self._headers)  # noqa: S310 - of our own settings
        try:
            with urllib.request.urlopen(request, timeout=_ANSWER_S) as answer:  # noqa: S310
                status, text = answer.status, answer.read()
        except urllib.error.HTTPError as error:
            status, text = error.code, error.read()
        sys.stdout.write(f"{path}: {status} {text[:_SHOWN].decode(errors='replace')}\n")
        sys.stdout.flush()
        return status, text

    def wait(self) -> None:
        """Ask again until it has its first forecasts.

        Raises:
            SystemExit: If it never has.
        """
        deadline = time.monotonic() + _PATIENCE_S
        while not self._has_forecasts():
            if time.monotonic() > deadline:
                raise SystemExit("the predictor has no forecasts")
            time.sleep(_PAUSE_S)

    def _has_forecasts(self) -> bool:
        try:
            status, body = self.ask("/readyz")
        except OSError as error:
            sys.stdout.write(f"/readyz: {error}\n")
            return False
        # It is ready before the first quotes come.
        return status == HTTPStatus.OK and json.loads(body)["symbols"] > 0


def main() -> None:
    """Ask for the forecast of some symbol; without a key where one is needed, see that the answer is no.

    Raises:
        SystemExit: If an answer is another than it should be.
    """
    key = os.environ.get("API_KEY")
    predictor = Predictor(os.environ.get("ADDRESS", "http://127.0.0.1:8000"), key)
    predictor.wait()
    status, body = predictor.ask("/symbols")
    if os.environ.get("GUARDED") and not key:
        _check(status == HTTPStatus.UNAUTHORIZED, "access is controlled, but a stranger got an answer")
        return
    _check(status == HTTPStatus.OK, "no symbols")
    symbol = json.loads(body)["symbols"][0]["symbol"]
    for path, question in ((f"/forecast/{symbol}", None), ("/predict", {"symbol": symbol, "horizon": 5})):
        status, body = predictor.ask(path, question)
        _check(status == HTTPStatus.OK and bool(json.loads(body)["forecast"]), "no forecast")


def _check(holds: bool, fault: str) -> None:
    if not holds:
        raise SystemExit(fault)


if __name__ == "__main__":
    main()
