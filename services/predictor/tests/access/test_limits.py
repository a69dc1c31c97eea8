"""How often one may ask, and from where, through the HTTP door."""

import pytest
from services.predictor.tests.access.doors import ASK, auth, bearer, guarded, key_with

from closecast_predictor.access.authenticator import Authenticator
from closecast_predictor.access.guard import Guard
from closecast_predictor.access.limits import RateLimit, check_rate, client_address
from closecast_predictor.access.permissions import Permission
from closecast_predictor.api.serving import Serving

HOURLY = "3/hour"


def test_each_key_has_a_limit_of_its_own(serving: Serving) -> None:
    (first, one), (second, two) = key_with(Permission.PREDICT, name="a"), key_with(Permission.PREDICT, name="b")

    with guarded(serving, Guard(Authenticator(auth(keys=f"{one};{two}")), RateLimit(HOURLY))) as client:
        for _ in range(3):
            assert client.post("/predict", json=ASK, headers=bearer(first)).status_code == 200
        refused = client.get("/forecast/PETR4.SA", headers=bearer(first))
        assert client.post("/predict", json=ASK, headers=bearer(second)).status_code == 200

    assert refused.status_code == 429
    assert refused.headers["content-type"] == "application/problem+json"
    assert "3 per 1 hour" in refused.json()["detail"]
    assert 1 <= int(refused.headers["retry-after"]) <= 3600


def test_where_callers_are_not_known_each_address_has_one(serving: Serving) -> None:
    with guarded(serving, Guard(rate_limit=RateLimit(HOURLY), proxies=1)) as client:

        def ask(address: str) -> int:
            return client.post("/predict", json=ASK, headers={"X-Forwarded-For": address}).status_code

        assert [ask("203.0.113.7") for _ in range(4)] == [200, 200, 200, 429]
        assert ask("203.0.113.8") == 200
        assert [ask(f"2001:db8:1:2::{number}") for number in range(4)] == [200, 200, 200, 429], (
            "one network, one caller"
        )
        assert ask("2001:db8:1:3::1") == 200


def test_probes_and_pages_are_not_limited(serving: Serving) -> None:
    with guarded(serving, Guard(rate_limit=RateLimit("1/hour"))) as client:
        for path in ("/health", "/readyz", "/metrics", "/docs", "/access"):
            assert [client.get(path).status_code for _ in range(3)] == [200, 200, 200]


def test_whoever_is_refused_uses_nothing_up(serving: Serving) -> None:
    key, line = key_with(Permission.PREDICT)
    with guarded(serving, Guard(Authenticator(auth(keys=line)), RateLimit(HOURLY))) as client:
        for _ in range(5):
            assert client.post("/train", json={}, headers=bearer(key)).status_code == 403
        assert client.post("/predict", json=ASK, headers=bearer(key)).status_code == 200


@pytest.mark.parametrize("rate", ["", "fast", "0/minute", "10/minute;1/second", "-1/minute", "10"])
def test_what_is_no_rate_is_refused(rate: str) -> None:
    with pytest.raises(ValueError, match="rate"):
        check_rate(rate)


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        (0, "203.0.113.7", "192.0.2.1"),
        (1, "", "192.0.2.1"),
        (1, "203.0.113.7", "203.0.113.7"),
        (1, "10.0.0.1, 203.0.113.7", "203.0.113.7"),
        (2, "10.0.0.1, 203.0.113.7, 198.51.100.2", "203.0.113.7"),
        (2, "203.0.113.7", "192.0.2.1"),
        (1, "203.0.113.7:5533", "203.0.113.7"),
        (1, "[2001:db8::1]:443", "2001:db8::/64"),
        (1, "::ffff:203.0.113.7", "203.0.113.7"),
        (1, "unknown", "unknown"),
        (1, "\xff\xfe", "unknown"),
    ],
)
def test_addresses(proxies: int, forwarded: str, address: str) -> None:
    headers = [(b"x-forwarded-for", forwarded.encode("latin-1"))] if forwarded else []

    assert client_address({"client": ("192.0.2.1", 4711), "headers": headers}, proxies) == address


def test_several_headers_are_one_list() -> None:
    headers = [(b"x-forwarded-for", b"203.0.113.7"), (b"x-forwarded-for", b"198.51.100.2")]

    assert client_address({"client": ("192.0.2.1", 4711), "headers": headers}, 2) == "203.0.113.7"
