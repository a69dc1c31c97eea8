"""API keys and users as settings hold them: one line each, `NAME:SCOPES:HASH`."""

import hashlib
import re
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from closecast_predictor.access.permissions import Permission, implied_by

KEY_PREFIX: Final = "closecast_"
"""Lets scanners of repositories recognize a key that has leaked."""

_KEY_BYTES: Final = 32
_SEPARATORS: Final = re.compile(r"[;\n]")
_NAME: Final = re.compile(r"[\w.@+-]{1,64}", re.ASCII)
_KEY_HASH: Final = re.compile(r"[0-9a-f]{64}")
_PASSWORD_HASH: Final = re.compile(r"\$argon2id?\$\S{1,500}")


@dataclass(frozen=True, slots=True)
class Credential:
    """Whom a key or a password belongs to.

    Attributes:
        name: Of the key or the user.
        permissions: What they allow, with all that these include.
        hash: Of the secret; the secret itself is nowhere.
    """

    name: str
    permissions: frozenset[Permission]
    hash: str

    def __str__(self) -> str:
        """Return the line of the settings."""
        return f"{self.name}:{','.join(sorted(self.permissions))}:{self.hash}"


def new_key() -> str:
    """Return a new API key: 256 random bits, which nobody guesses."""
    return KEY_PREFIX + secrets.token_urlsafe(_KEY_BYTES)


def hash_key(key: bytes) -> str:
    """Return what the settings hold of an API key.

    SHA-256 is enough here: slow hashes protect secrets that can be guessed, and 256 random bits cannot. It is quick
    enough to be computed for every request.
    """
    return hashlib.sha256(key).hexdigest()


def parse_keys(text: str) -> tuple[Credential, ...]:
    """Read API keys, one a line or between semicolons; `#` begins a comment.

    Raises:
        ValueError: If a line is none; the message gives its number and never what it holds.
    """
    return _parse(text, _KEY_HASH, "the SHA-256 of a key; `closecast-predictor keys new` makes such a line")


def parse_users(text: str) -> tuple[Credential, ...]:
    """Read users; see `parse_keys`."""
    return _parse(text, _PASSWORD_HASH, "an argon2 hash; `closecast-predictor hash-password` makes such a line")


def parse_scopes(text: str) -> frozenset[Permission]:
    """Read scopes, comma separated.

    Raises:
        ValueError: If one is unknown or there is none.
    """
    names = [name.strip() for name in text.split(",")]
    unknown = [name for name in names if name not in set(Permission)]
    if unknown:
        msg = f"{unknown[0][:20]!r} is no scope: {', '.join(Permission)} are"
        raise ValueError(msg)
    return frozenset(map(Permission, names))


def parse_name(text: str) -> str:
    """Check the name of a key or a user.

    Raises:
        ValueError: If it is none.
    """
    if not _NAME.fullmatch(text):
        raise ValueError("a name has 1 to 64 letters, digits or . _ @ + -")
    return text


def read_file(path: Path) -> str:
    """Return the text of a file of credentials.

    Raises:
        ValueError: If it cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} cannot be read: {error}") from None


def _parse(text: str, hash_pattern: re.Pattern[str], hash_kind: str) -> tuple[Credential, ...]:
    found: dict[str, Credential] = {}
    for number, line in enumerate(_SEPARATORS.split(text), start=1):
        content = line.partition("#")[0].strip()
        if not content:
            continue
        name, _, rest = content.partition(":")
        scopes, _, digest = rest.partition(":")
        try:
            if not hash_pattern.fullmatch(digest):
                raise ValueError(f"after NAME:SCOPES: comes {hash_kind}")  # noqa: TRY301 - told with its line below
            credential = Credential(parse_name(name), implied_by(parse_scopes(scopes)), digest)
        except ValueError as error:
            raise ValueError(f"line {number}: {error}") from None
        if name in found:
            raise ValueError(f"line {number}: the name {name} is there twice")
        found[name] = credential
    return tuple(found.values())
