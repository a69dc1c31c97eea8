"""The HTTP door with a guard before it, real keys, and an identity provider that serves its JWKS over HTTP."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, Self

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import ECAlgorithm, RSAAlgorithm
from pydantic import SecretStr
from services.predictor.tests.api.conftest import LocalDesk
from starlette.testclient import TestClient

from closecast_predictor.access.authenticator import Authenticator
from closecast_predictor.access.credentials import Credential, hash_key, new_key
from closecast_predictor.access.guard import Guard
from closecast_predictor.access.jwks import Jwks
from closecast_predictor.access.permissions import Permission
from closecast_predictor.access.settings import AuthSettings
from closecast_predictor.access.tokens import ProviderTokens
from closecast_predictor.api.app import build_app
from closecast_predictor.api.edge import Edge
from closecast_predictor.api.routes.context import Context
from closecast_predictor.api.serving import Serving

ISSUER: Final = "https://issuer.example"
AUDIENCE: Final = "closecast-api"
ASK: Final = {"symbol": "PETR4.SA", "horizon": 1}
PHRASE: Final = "correct horse battery"


class SigningKey:
    """A key pair with an id."""

    def __init__(self, key_id: str, private: PrivateKeyTypes, algorithm: str) -> None:
        self.key_id = key_id
        self.algorithm = algorithm
        self.private: Any = private

    @classmethod
    def rsa(cls, key_id: str) -> Self:
        return cls(key_id, rsa.generate_private_key(public_exponent=65537, key_size=2048), "RS256")

    @classmethod
    def ec(cls, key_id: str) -> Self:
        return cls(key_id, ec.generate_private_key(ec.SECP256R1()), "ES256")

    @property
    def public_pem(self) -> bytes:
        pem: bytes = self.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        return pem

    @property
    def jwk(self) -> dict[str, Any]:
        kind = RSAAlgorithm if self.algorithm == "RS256" else ECAlgorithm
        return kind.to_jwk(self.private.public_key(), as_dict=True) | {"kid": self.key_id, "use": "sig"}

    def token(self, **claims: Any) -> str:
        """Return a good token for `predict`, but for the claims that are given; None leaves one out."""
        now = int(time.time())
        every = {"iss": ISSUER, "aud": AUDIENCE, "sub": "ana", "iat": now, "exp": now + 600, "scope": "openid predict"}
        kept = {name: value for name, value in (every | claims).items() if value is not None}
        return jwt.encode(kept, self.private, self.algorithm, headers={"kid": self.key_id})


class Provider:
    """Serves a JWKS; what it serves may be changed, and how often it was asked is counted."""

    def __init__(self, *keys: SigningKey) -> None:
        self.keys = list(keys)
        self.asked = 0
        self.broken = False
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                provider.asked += 1
                self.send_response(500 if provider.broken else 200)
                self.end_headers()
                self.wfile.write(json.dumps({"keys": [key.jwk for key in provider.keys]}).encode())

            def log_message(self, *_arguments: object) -> None:
                """Stay quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self._server.server_port}/jwks.json"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def bearer(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


def key_with(*permissions: Permission, name: str = "test") -> tuple[str, str]:
    """Return an API key and its line in the settings."""
    key = new_key()
    return key, str(Credential(name, frozenset(permissions), hash_key(key.encode())))


def auth(**fields: Any) -> AuthSettings:
    """Return settings of access control; secrets may come as texts."""
    secrets: dict[str, Any] = {
        name: SecretStr(fields[name]) for name in ("keys", "users", "signing_key") if name in fields
    }
    return AuthSettings(**fields | secrets).ready_to_share()


@contextmanager
def guarded(serving: Serving, guard: Guard) -> Iterator[TestClient]:
    """Yield a client of edge and application behind a guard."""
    serving.guard = guard
    app = Edge(build_app(Context(serving, LocalDesk())), serving)
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


def provider_guard(
    provider: Provider,
    *,
    cool_down_s: float = 0.0,
    fresh_s: float = 300.0,
    clock: Callable[[], float] = time.time,
    **fields: Any,
) -> Guard:
    """Return a guard that takes the tokens of a provider."""
    settings = auth(jwks=provider.address, issuer=ISSUER, audience=AUDIENCE, **fields)
    keys = Jwks(provider.address, is_url=True, cool_down_s=cool_down_s, fresh_s=fresh_s)
    return Guard(Authenticator(settings, ProviderTokens(settings, keys), clock=clock))
