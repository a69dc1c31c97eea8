"""Tells who calls, from what stands in `Authorization`."""

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from cachetools import TLRUCache

from closecast_predictor.access.book import LOOK_AGAIN_S, Book
from closecast_predictor.access.credentials import Credential, parse_keys, parse_users
from closecast_predictor.access.permissions import Permission
from closecast_predictor.access.settings import AuthSettings
from closecast_predictor.access.tokens import (
    OWN_ALGORITHM,
    InvalidTokenError,
    OwnTokens,
    ProviderTokens,
    Verified,
    algorithm_of,
)
from closecast_predictor.access.users import Users

_KNOWN_TOKENS: Final = 4096
_KNOWN_S: Final = 300.0
"""How long a good token is taken without a look at the provider's keys, which may have been withdrawn."""

_LONGEST_TOKEN: Final = 8192
_SCHEME: Final = b"bearer "


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls.

    Attributes:
        name: `key:…`, `user:…` or `jwt:…`.
        permissions: What they may do.
    """

    name: str
    permissions: frozenset[Permission]


class Authenticator:
    """Knows API keys by their hash, users by the tokens of their login, and others by those of the identity provider.

    Args:
        settings: With a signing key, if users can log in.
        provider: Checks the provider's tokens; by default as the settings say.
        look_again_s: How long a change of the files may go unseen.
        clock: Seconds since 1970, for what is remembered of tokens.
    """

    def __init__(
        self,
        settings: AuthSettings,
        provider: ProviderTokens | None = None,
        look_again_s: float = LOOK_AGAIN_S,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._key_book = Book(parse_keys, settings.keys, settings.keys_file, look_again_s)
        self._key_lines: tuple[Credential, ...] = ()
        self._by_hash: dict[bytes, Caller] = {}
        self._algorithms = settings.algorithms
        self._provider = provider or (ProviderTokens(settings) if settings.jwks is not None else None)
        self.users: Users | None = None
        self.tokens: OwnTokens | None = None
        if settings.login:
            assert settings.signing_key is not None  # noqa: S101 - see ready_to_share
            self.users = Users(Book(parse_users, settings.users, settings.users_file, look_again_s))
            self.tokens = OwnTokens(settings.signing_key.get_secret_value(), settings.token_minutes)
        # By hash, not by token: what lies in memory opens nothing.
        self._known: TLRUCache[bytes, Verified] = TLRUCache(_KNOWN_TOKENS, _forgotten_at, timer=clock)

    async def caller(self, authorization: bytes) -> Caller:
        """Return who sent this header.

        Raises:
            InvalidTokenError: If it holds nothing that opens anything.
            KeysUnavailableError: If that cannot be known now.
        """
        if authorization[: len(_SCHEME)].lower() != _SCHEME:
            raise InvalidTokenError("the header Authorization has to be: Bearer, a space, and a key or a token")
        token = authorization[len(_SCHEME) :].strip()
        if len(token) > _LONGEST_TOKEN:
            raise InvalidTokenError(f"the token is longer than {_LONGEST_TOKEN} bytes")
        digest = hashlib.sha256(token).digest()
        caller = self._keys().get(digest)
        if caller is not None:
            return caller
        verified = self._known.get(digest)
        if verified is None:
            verified = await self._verify(token)
            self._known[digest] = verified
        return self._caller_of(verified)

    def _keys(self) -> dict[bytes, Caller]:
        # A look-up by hash tells nothing by the time it takes: whoever tries keys cannot choose their hashes.
        lines = self._key_book.read()
        if lines is not self._key_lines:
            self._by_hash = {bytes.fromhex(key.hash): Caller(f"key:{key.name}", key.permissions) for key in lines}
            self._key_lines = lines
        return self._by_hash

    async def _verify(self, token: bytes) -> Verified:
        try:
            text = token.decode("ascii")
        except UnicodeDecodeError:
            raise InvalidTokenError("the token is no JWT") from None
        if text.count(".") != 2:  # noqa: PLR2004 - header, claims, signature
            raise InvalidTokenError("no such API key")
        # Which algorithm a token names decides who checks it; each then takes its own algorithms and keys alone.
        algorithm = algorithm_of(text)
        if self.tokens is not None and algorithm == OWN_ALGORITHM:
            return self.tokens.verify(text)
        if self._provider is not None and algorithm in self._algorithms:
            return await self._provider.verify(text)
        raise InvalidTokenError(f"the token is not good: tokens signed with {algorithm[:20]!r} are not taken here")

    def _caller_of(self, verified: Verified) -> Caller:
        if not verified.own:
            return Caller(verified.subject, verified.permissions)
        # The settings decide what a user may do, now and not when the token was made.
        user = self.users.find(verified.subject) if self.users is not None else None
        if user is None:
            raise InvalidTokenError("the token's user is not there any more")
        return Caller(f"user:{user.name}", user.permissions)


def _forgotten_at(_digest: bytes, verified: Verified, now: float) -> float:
    return min(verified.expires_at, now + _KNOWN_S)
