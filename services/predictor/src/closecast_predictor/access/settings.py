"""Settings of access control."""

import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import NoDecode, SettingsConfigDict

from closecast.settings import SettingsGroup
from closecast_predictor.access.credentials import parse_keys, parse_users, read_file

Algorithm = Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
"""Signatures by a key pair alone: where a secret signs (HS256), whoever can check a token could also make one."""

_SIGNING_KEY_BYTES: Final = 32
_URL_SCHEMES: Final = ("http", "https")


class AuthSettings(SettingsGroup):
    """Who may call the predictor. Access control is on as soon as keys, users or a JWKS are given."""

    model_config = SettingsConfigDict(env_prefix="CLOSECAST_AUTH_", extra="forbid")

    keys: SecretStr | None = Field(
        default=None, description="API keys, NAME:SCOPES:SHA256 each, between semicolons; `keys new` makes them."
    )
    keys_file: Path | None = Field(
        default=None, description="File of API keys, one a line; read again when it changes (a Kubernetes secret)."
    )
    users: SecretStr | None = Field(
        default=None, description="Users, NAME:SCOPES:ARGON2 each, between semicolons; `hash-password` makes them."
    )
    users_file: Path | None = Field(
        default=None, description="File of users, one a line; read again when it changes (a Kubernetes secret)."
    )
    signing_key: SecretStr | None = Field(
        default=None,
        description="Secret that signs the tokens of users, 32 characters or more; a new one at each start by default.",
    )
    token_minutes: int = Field(default=60, ge=1, le=1440, description="How long the token of a user is good for.")
    jwks: str | None = Field(
        default=None, description="Address or file of the keys (JWKS) of the identity provider whose JWTs are taken."
    )
    issuer: str | None = Field(default=None, description="Issuer (iss) that a JWT must name.")
    audience: str | None = Field(default=None, description="Audience (aud) that a JWT must name.")
    algorithms: Annotated[tuple[Algorithm, ...], NoDecode] = Field(
        default=("RS256", "ES256"), min_length=1, description="Signatures that a JWT may have, comma separated."
    )
    scope_claim: str = Field(
        default="scope", min_length=1, description="Claim of a JWT with its scopes: a text with spaces, or a list."
    )
    scope_prefix: str = Field(
        default="", description='What stands before a scope of ours in a JWT, such as "closecast:".'
    )

    @field_validator("algorithms", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",")) if isinstance(value, str) else value

    @field_validator("keys_file", "users_file")
    @classmethod
    def _from_anywhere(cls, value: Path | None) -> Path | None:
        # Replicas may run in another folder than the command.
        return None if value is None else value.absolute()

    @field_validator("signing_key")
    @classmethod
    def _long_enough(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and len(value.get_secret_value().encode()) < _SIGNING_KEY_BYTES:
            raise ValueError(f"needs {_SIGNING_KEY_BYTES} characters or more")
        return value

    @model_validator(mode="after")
    def _complete(self) -> Self:
        _check("keys", parse_keys, self.keys)
        _check("users", parse_users, self.users)
        _check("keys_file", parse_keys, self.keys_file)
        _check("users_file", parse_users, self.users_file)
        if self.jwks is not None:
            missing = [name for name in ("issuer", "audience") if not getattr(self, name)]
            if missing:
                raise ValueError(f"auth.{missing[0]}: needed with jwks, else tokens made for others would be taken")
            if not self.is_jwks_url and not Path(self.jwks).is_file():
                raise ValueError(f"auth.jwks: {self.jwks} is neither an http(s) address nor a file")
        return self

    @property
    def on(self) -> bool:
        """Whether callers must show who they are."""
        return self.login or any(value is not None for value in (self.keys, self.keys_file, self.jwks))

    @property
    def login(self) -> bool:
        """Whether users can log in."""
        return self.users is not None or self.users_file is not None

    @property
    def is_jwks_url(self) -> bool:
        """Whether the JWKS comes over HTTP."""
        return self.jwks is not None and urlsplit(self.jwks).scheme in _URL_SCHEMES

    def ready_to_share(self) -> Self:
        """Return the settings with a signing key, for all replicas: each takes the tokens that another one made."""
        if not self.login or self.signing_key is not None:
            return self
        return self.model_copy(update={"signing_key": SecretStr(secrets.token_urlsafe(_SIGNING_KEY_BYTES))})


def _check(name: str, parse: Callable[[str], object], source: SecretStr | Path | None) -> None:
    try:
        if isinstance(source, Path):
            parse(read_file(source))
        elif source is not None:
            parse(source.get_secret_value())
    except ValueError as error:
        raise ValueError(f"auth.{name}: {error}") from None
