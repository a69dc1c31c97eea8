"""Pages of other origins, through the HTTP door."""

import pytest
from services.predictor.tests.access.doors import ASK, auth, bearer, guarded, key_with
from starlette.testclient import TestClient

from closecast_predictor.access.authenticator import Authenticator
from closecast_predictor.access.guard import Guard
from closecast_predictor.access.permissions import Permission
from closecast_predictor.api.serving import Serving

GOOD = "https://desk.example"
PREFLIGHT = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}


def allowed(answer: object) -> str | None:
    headers: dict[str, str] = answer.headers  # type: ignore[attr-defined]
    return headers.get("access-control-allow-origin")


def test_other_origins_are_kept_out_by_default(client: TestClient) -> None:
    answer = client.post("/predict", json=ASK, headers={"Origin": GOOD})
    preflight = client.options("/predict", headers={"Origin": GOOD} | PREFLIGHT)

    assert answer.status_code == 200
    assert allowed(answer) is None
    assert preflight.status_code == 405
    assert allowed(preflight) is None


def test_an_origin_of_the_settings_may_call(serving: Serving) -> None:
    key, line = key_with(Permission.PREDICT)
    guard = Guard(Authenticator(auth(keys=line)), origins=(GOOD,))

    with guarded(serving, guard) as client:
        preflight = client.options("/predict", headers={"Origin": GOOD} | PREFLIGHT)
        at_the_edge = client.post("/predict", json=ASK, headers={"Origin": GOOD} | bearer(key))
        behind_it = client.post("/predict", json={"symbol": "petr4"}, headers={"Origin": GOOD} | bearer(key))
        refused = client.post("/predict", json=ASK, headers={"Origin": GOOD})

    assert preflight.status_code == 200, "browsers send no key with it"
    assert [answer.status_code for answer in (at_the_edge, behind_it, refused)] == [200, 200, 401]
    for answer in (preflight, at_the_edge, behind_it, refused):
        assert allowed(answer) == GOOD
        assert "Origin" in answer.headers["vary"]
        assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "https://desk.example.evil.example", "http://desk.example"]
)
def test_another_origin_may_not(serving: Serving, origin: str) -> None:
    with guarded(serving, Guard(origins=(GOOD,))) as client:
        preflight = client.options("/predict", headers={"Origin": origin} | PREFLIGHT)
        answer = client.post("/predict", json=ASK, headers={"Origin": origin})

    assert preflight.status_code == 400
    assert allowed(preflight) is None
    assert allowed(answer) is None
