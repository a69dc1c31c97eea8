"""JSON Web Tokens: those of the identity provider, and those that a login here makes."""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import jwt

from closecast_predictor.access.jwks import Jwks
from closecast_predictor.access.permissions import Permission, implied_by
from closecast_predictor.access.settings import AuthSettings

ISSUER: Final = "closecast"
"""Who issues the tokens of a login, and whom they are for."""

OWN_ALGORITHM: Final = "HS256"
_LEEWAY_S: Final = 30
_LONGEST_NAME: Final = 256
_CLAIMS: Final = ["exp", "iss", "aud", "sub"]
_FAULTS: Final = (jwt.PyJWTError, TypeError, OverflowError)
"""PyJWT lets through what Python raises of times that are lists or infinite."""


class InvalidTokenError(ValueError):
    """The token is none of ours, or no longer good."""


@dataclass(frozen=True, slots=True)
class Verified:
    """What a good token says.

    Attributes:
        subject: Whom it was made for.
        expires_at: Seconds since 1970.
        permissions: Of the token, with all that they include; those of a user stand in the settings instead.
        own: Whether a login here made it.
    """

    subject: str
    expires_at: float
    permissions: frozenset[Permission] = frozenset()
    own: bool = False


def algorithm_of(token: str) -> str:
    """Return how a token claims to be signed.

    Raises:
        InvalidTokenError: If it is no token.
    """
    return str(_header(token).get("alg"))


class ProviderTokens:
    """Tokens of the identity provider.

    Args:
        settings: With a JWKS.
        keys: Where the keys are; by default those of the settings.
    """

    def __init__(self, settings: AuthSettings, keys: Jwks | None = None) -> None:
        assert settings.jwks is not None  # noqa: S101 - asked for by whoever makes this
        self._settings = settings
        self._keys = keys or Jwks(settings.jwks, is_url=settings.is_jwks_url)

    async def verify(self, token: str) -> Verified:
        """Check signature, issuer, audience and times of a token.

        Raises:
            InvalidTokenError: If one is wrong.
            KeysUnavailableError: If the keys cannot be had now.
        """
        settings = self._settings
        key_id = _header(token).get("kid")
        key = await self._keys.key(key_id) if isinstance(key_id, str) else None
        if key is None:
            raise InvalidTokenError("the token names no key of the identity provider")
        claims = _decode(token, key, settings.algorithms, settings.issuer, settings.audience)
        granted = _scopes(claims.get(settings.scope_claim), settings.scope_prefix)
        return Verified(f"jwt:{claims['sub']}", float(claims["exp"]), implied_by(granted))


class OwnTokens:
    """Tokens that a login here makes.

    Args:
        signing_key: Secret that all replicas share.
        minutes: How long a token is good.
    """

    def __init__(self, signing_key: str, minutes: int) -> None:
        self._key = signing_key.encode()
        self.lifetime_s = minutes * 60

    def issue(self, user: str, permissions: Iterable[Permission]) -> str:
        """Return a token for a user."""
        now = int(time.time())
        claims = {
            "iss": ISSUER,
            "aud": ISSUER,
            "sub": user,
            "iat": now,
            "exp": now + self.lifetime_s,
            "scope": " ".join(sorted(permissions)),
        }
        return jwt.encode(claims, self._key, OWN_ALGORITHM)

    def verify(self, token: str) -> Verified:
        """Check a token.

        Raises:
            InvalidTokenError: If it is not one of ours, or no longer good.
        """
        claims = _decode(token, self._key, (OWN_ALGORITHM,), ISSUER, ISSUER)
        return Verified(claims["sub"], float(claims["exp"]), own=True)


def _header(token: str) -> dict[str, Any]:
    try:
        return jwt.get_unverified_header(token)
    except _FAULTS:
        raise InvalidTokenError("the token is no JWT") from None


def _decode(
    token: str, key: jwt.PyJWK | bytes, algorithms: tuple[str, ...], issuer: str | None, audience: str | None
) -> dict[str, Any]:
    try:
        claims = jwt.decode(
            token,
            key,
            algorithms=list(algorithms),
            issuer=issuer,
            audience=audience,
            leeway=_LEEWAY_S,
            options={"require": _CLAIMS, "enforce_minimum_key_length": True},
        )
    except _FAULTS as error:
        raise InvalidTokenError(f"the token is not good: {str(error).lower()}") from None
    if len(claims["sub"]) > _LONGEST_NAME:
        raise InvalidTokenError("the token is not good: its subject is too long")
    return claims


def _scopes(claim: object, prefix: str) -> frozenset[Permission]:
    names = claim.split() if isinstance(claim, str) else claim if isinstance(claim, list) else []
    own = {name.removeprefix(prefix) for name in names if isinstance(name, str) and name.startswith(prefix)}
    return frozenset(Permission(name) for name in own if name in set(Permission))
