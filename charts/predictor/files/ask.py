"""Asks the predictor for a real forecast, as `helm test` does; fails after ten minutes without one."""

import json
import os
import time
import urllib.error
import urllib.request

ADDRESS = os.environ["ADDRESS"]
KEY = os.environ.get("API_KEY")
UNAUTHORIZED = 401
DEADLINE = time.monotonic() + 600


def ask(path, body=None):
    """Return the status and the body of an answer."""
    headers = {"content-type": "application/json"} | ({"authorization": f"Bearer {KEY}"} if KEY else {})
    request = urllib.request.Request(ADDRESS + path, json.dumps(body).encode() if body else None, headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def wait_until_ready():
    """Ask again until the predictor has its first forecasts."""
    while True:
        try:
            status, body = ask("/readyz")
        except OSError as error:
            status, body = 0, str(error).encode()
        print(f"/readyz: {status} {body.decode()}", flush=True)
        if status == 200:
            return
        if time.monotonic() > DEADLINE:
            raise SystemExit("the predictor is not ready")
        time.sleep(5)


wait_until_ready()
if os.environ["GUARDED"] and not KEY:
    status, _ = ask("/symbols")
    assert status == UNAUTHORIZED, f"access is controlled, but /symbols answers {status}"
    raise SystemExit(0)
status, body = ask("/symbols")
assert status == 200, body
symbol = json.loads(body)["symbols"][0]["symbol"]
for path, question in ((f"/forecast/{symbol}", None), ("/predict", {"symbol": symbol, "horizon": 5})):
    status, body = ask(path, question)
    print(f"{path}: {status} {body.decode()[:300]}")
    assert status == 200, body
    assert json.loads(body)["forecast"], body
