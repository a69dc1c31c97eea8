"""JWTs of an identity provider, through the HTTP door, with a real JWKS server and real keys."""

import asyncio
import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import jwt
import pytest
from services.predictor.tests.access.doors import (
    ASK,
    AUDIENCE,
    ISSUER,
    Provider,
    SigningKey,
    auth,
    bearer,
    guarded,
    key_with,
    provider_guard,
)
from starlette.testclient import TestClient

from closecast_predictor.access.authenticator import Authenticator
from closecast_predictor.access.guard import Guard
from closecast_predictor.access.permissions import Permission
from closecast_predictor.access.tokens import InvalidTokenError, ProviderTokens, Verified
from closecast_predictor.api.serving import Serving

NOW = int(time.time())
DAY_S = 86_400
"""Longer than a run of all tests takes."""


@pytest.fixture(scope="module")
def rsa_key() -> SigningKey:
    return SigningKey.rsa("rsa-1")


@pytest.fixture(scope="module")
def ec_key() -> SigningKey:
    return SigningKey.ec("ec-1")


@pytest.fixture
def provider(rsa_key: SigningKey, ec_key: SigningKey) -> Iterator[Provider]:
    with Provider(rsa_key, ec_key) as running:
        yield running


@pytest.fixture
def client(serving: Serving, provider: Provider) -> Iterator[TestClient]:
    with guarded(serving, provider_guard(provider)) as client:
        yield client


def ask(client: TestClient, token: str, **headers: str) -> Any:
    return client.post("/predict", json=ASK, headers=bearer(token) | headers)


def unsigned(**header: Any) -> str:
    """Return the first two parts of a token that promises everything."""
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": "eve", "exp": NOW + DAY_S, "scope": "admin"}
    return ".".join(
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in (header, claims)
    )


def signed_by_secret(secret: bytes, key_id: str) -> str:
    """Return a token signed with HMAC; PyJWT itself refuses to take a public key for a secret."""
    body = unsigned(alg="HS256", typ="JWT", kid=key_id)
    signature = hmac.new(secret, body.encode(), hashlib.sha256).digest()
    return f"{body}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


def test_tokens_of_both_kinds_of_keys_open(client: TestClient, rsa_key: SigningKey, ec_key: SigningKey) -> None:
    for key in (rsa_key, ec_key):
        assert ask(client, key.token()).status_code == 200
        assert client.get("/forecast/PETR4.SA", headers=bearer(key.token())).status_code == 200


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "nOnE", "", None])
def test_a_token_without_a_signature_is_refused(client: TestClient, rsa_key: SigningKey, algorithm: str | None) -> None:
    unsigned_token = unsigned(alg=algorithm, kid=rsa_key.key_id) + "."
    signature = rsa_key.token().rpartition(".")[2]

    for token in (unsigned_token, unsigned_token + signature):
        answer = ask(client, token)
        assert answer.status_code == 401
        assert 'error="invalid_token"' in answer.headers["www-authenticate"]


@pytest.mark.parametrize("login", [False, True])
def test_the_public_key_is_no_secret_to_sign_with(
    serving: Serving, provider: Provider, rsa_key: SigningKey, *, login: bool
) -> None:
    users: dict[str, Any] = (
        {"users": "ana:admin:$argon2id$v=19$m=65536,t=3,p=4$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA"} if login else {}
    )
    secrets = (rsa_key.public_pem, rsa_key.public_pem.strip(), json.dumps(rsa_key.jwk).encode(), b"")

    with guarded(serving, provider_guard(provider, **users)) as client:
        for secret in secrets:
            assert ask(client, signed_by_secret(secret, rsa_key.key_id)).status_code == 401


@pytest.mark.parametrize(
    ("claims", "told"),
    [
        ({"exp": NOW - 120}, "expired"),
        ({"exp": None}, "exp"),
        ({"exp": "soon"}, "exp"),
        ({"exp": [1]}, "not good"),
        ({"exp": float("inf")}, "not good"),
        ({"exp": float("nan")}, "not good"),
        ({"nbf": {}}, "not good"),
        ({"nbf": NOW + DAY_S}, "not yet valid"),
        ({"iat": NOW + DAY_S}, "not yet valid"),
        ({"iss": "https://evil.example"}, "issuer"),
        ({"iss": None}, "iss"),
        ({"aud": "another-api"}, "audience"),
        ({"aud": None}, "aud"),
        ({"aud": f"{AUDIENCE}-test"}, "audience"),
        ({"sub": None}, "sub"),
        ({"sub": 7}, "subject"),
        ({"sub": "a" * 300}, "subject"),
    ],
)
def test_wrong_claims_are_refused_and_named(
    client: TestClient, rsa_key: SigningKey, claims: dict[str, Any], told: str
) -> None:
    answer = ask(client, rsa_key.token(**claims))

    assert answer.status_code == 401
    assert told in answer.json()["detail"]


def test_the_provider_s_tokens_are_checked_by_its_algorithms_alone(provider: Provider, rsa_key: SigningKey) -> None:
    """Also by whoever asks for it without a look at what the token claims."""
    settings = auth(jwks=provider.address, issuer=ISSUER, audience=AUDIENCE)
    forged = (
        unsigned(alg="none", kid=rsa_key.key_id) + ".",
        signed_by_secret(rsa_key.public_pem, rsa_key.key_id),
        signed_by_secret(json.dumps(rsa_key.jwk).encode(), rsa_key.key_id),
    )

    async def verify(token: str) -> Verified:
        return await ProviderTokens(settings).verify(token)

    assert asyncio.run(verify(rsa_key.token())).subject == "jwt:ana"
    for token in forged:
        with pytest.raises(InvalidTokenError):
            asyncio.run(verify(token))


def test_a_token_that_was_changed_is_refused(client: TestClient, rsa_key: SigningKey) -> None:
    header, _, signature = rsa_key.token().split(".")
    promising = unsigned(alg="RS256").split(".")[1]

    assert ask(client, f"{header}.{promising}.{signature}").status_code == 401


def test_a_key_pair_of_somebody_else_opens_nothing(client: TestClient, rsa_key: SigningKey) -> None:
    same_id, own_id = SigningKey.rsa(rsa_key.key_id), SigningKey.rsa("mine")
    with_own_key = jwt.encode(
        {"iss": ISSUER, "aud": AUDIENCE, "sub": "eve", "exp": NOW + DAY_S, "scope": "admin"},
        own_id.private,
        "RS256",
        headers={"kid": rsa_key.key_id, "jwk": own_id.jwk, "jku": "https://evil.example/jwks.json"},
    )

    for token in (same_id.token(), own_id.token(), with_own_key):
        assert ask(client, token).status_code == 401


def test_an_algorithm_that_the_settings_do_not_name_is_refused(
    serving: Serving, provider: Provider, ec_key: SigningKey, rsa_key: SigningKey
) -> None:
    with guarded(serving, provider_guard(provider, algorithms="ES256")) as client:
        assert ask(client, ec_key.token()).status_code == 200
        answer = ask(client, rsa_key.token())

    assert answer.status_code == 401
    assert "RS256" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("claims", "train"),
    [
        ({"scope": "predict"}, 403),
        ({"scope": "openid train"}, 202),
        ({"scope": ["predict", "admin"]}, 202),
        ({"scope": None}, 403),
        ({"scope": {"admin": True}}, 403),
        ({"scope": "administrator Train"}, 403),
        ({"scope": [["admin"], 7, None]}, 403),
    ],
)
def test_scopes_come_from_the_claim(
    client: TestClient, rsa_key: SigningKey, claims: dict[str, Any], train: int
) -> None:
    assert client.post("/train", json={}, headers=bearer(rsa_key.token(**claims))).status_code == train


def test_scopes_may_have_another_claim_and_a_prefix(serving: Serving, provider: Provider, ec_key: SigningKey) -> None:
    with guarded(serving, provider_guard(provider, scope_claim="roles", scope_prefix="closecast:")) as client:
        assert ask(client, ec_key.token(scope="admin", roles=["closecast:predict", "other:admin"])).status_code == 200
        for token in (ec_key.token(scope="predict"), ec_key.token(roles=["predict"])):
            assert ask(client, token).status_code == 403


def test_a_key_that_was_rotated_in_is_fetched(client: TestClient, provider: Provider, rsa_key: SigningKey) -> None:
    new = SigningKey.rsa("rsa-2")
    assert ask(client, rsa_key.token()).status_code == 200
    assert ask(client, new.token()).status_code == 401

    provider.keys = [new]

    assert ask(client, new.token()).status_code == 200
    assert ask(client, rsa_key.token(sub="bob")).status_code == 401


def test_keys_are_fetched_once_for_many_tokens(client: TestClient, provider: Provider, rsa_key: SigningKey) -> None:
    tokens = [rsa_key.token(sub=f"user-{number}") for number in range(20)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda token: ask(client, token).status_code, tokens * 2))

    assert answers == [200] * 40
    assert provider.asked == 1


def test_made_up_key_ids_do_not_flood_the_provider(serving: Serving, provider: Provider, rsa_key: SigningKey) -> None:
    with guarded(serving, provider_guard(provider, cool_down_s=3600)) as client:
        assert ask(client, rsa_key.token()).status_code == 200
        for number in range(20):
            forged = unsigned(alg="RS256", kid=f"made-up-{number}") + ".AAAA"
            assert ask(client, forged).status_code == 401

    assert provider.asked == 1


@pytest.mark.parametrize("kid", [None, 7, ["rsa-1"], {"a": 1}, "", "../rsa-1"])
def test_strange_key_ids_are_refused(client: TestClient, kid: Any) -> None:
    assert ask(client, unsigned(alg="RS256", kid=kid) + ".AAAA").status_code == 401


def test_a_provider_that_is_away_is_no_error_of_ours(serving: Serving, rsa_key: SigningKey) -> None:
    key, line = key_with(Permission.PREDICT)
    with Provider(rsa_key) as provider:
        provider.broken = True
        with guarded(serving, provider_guard(provider, keys=line)) as client:
            answer = ask(client, rsa_key.token())
            told = client.get("/access", headers=bearer(rsa_key.token()))

            assert answer.status_code == told.status_code == 503
            assert answer.headers["content-type"] == "application/problem+json"
            assert int(answer.headers["retry-after"]) > 0
            assert ask(client, key).status_code == 200, "API keys need no provider"
            provider.broken = False
            assert ask(client, rsa_key.token()).status_code == 200


def test_nobody_listening_is_503_too(serving: Serving, rsa_key: SigningKey) -> None:
    with Provider(rsa_key) as provider:
        pass

    with guarded(serving, provider_guard(provider)) as client:
        assert ask(client, rsa_key.token()).status_code == 503


def test_known_keys_go_on_while_the_provider_is_away(serving: Serving, provider: Provider, rsa_key: SigningKey) -> None:
    with guarded(serving, provider_guard(provider, fresh_s=0.0)) as client:
        assert ask(client, rsa_key.token()).status_code == 200
        provider.broken = True

        for number in range(5):
            assert ask(client, rsa_key.token(sub=f"user-{number}")).status_code == 200

    assert provider.asked > 1, "old keys are fetched again"


def test_a_good_token_is_remembered_for_a_while_and_not_itself(
    serving: Serving, provider: Provider, rsa_key: SigningKey, ec_key: SigningKey
) -> None:
    ahead_s = 0.0
    guard = provider_guard(provider, clock=lambda: time.time() + ahead_s)
    token, soon_over = rsa_key.token(), rsa_key.token(exp=int(time.time()) + 30)
    with guarded(serving, guard) as client:
        assert ask(client, token).status_code == ask(client, soon_over).status_code == 200
        provider.keys = [ec_key, new := SigningKey.rsa("rsa-2")]
        assert ask(client, new.token()).status_code == 200, "the provider was asked again: the old key is gone"

        assert ask(client, token).status_code == ask(client, soon_over).status_code == 200
        ahead_s = 60
        assert (ask(client, token).status_code, ask(client, soon_over).status_code) == (200, 401)
        ahead_s = 301
        assert ask(client, token).status_code == 401

    assert guard.authenticator is not None
    assert token not in str(vars(guard.authenticator))


def test_keys_may_lie_in_a_file(serving: Serving, tmp_path: Path, ec_key: SigningKey) -> None:
    file = tmp_path / "jwks.json"
    file.write_text(json.dumps({"keys": [ec_key.jwk, {"kty": "oct", "k": "c2VjcmV0", "kid": "secret"}]}))
    settings = auth(jwks=str(file), issuer=ISSUER, audience=AUDIENCE)

    with guarded(serving, Guard(Authenticator(settings))) as client:
        assert ask(client, ec_key.token()).status_code == 200
        assert ask(client, signed_by_secret(b"secret", "secret")).status_code == 401
