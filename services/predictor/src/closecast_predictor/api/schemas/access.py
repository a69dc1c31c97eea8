"""Access over HTTP: what a login answers, and what pages must know."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from closecast_predictor.access.permissions import Permission


class LoginAnswer(BaseModel):
    """A token, to be sent as `Authorization: Bearer …` (RFC 6749)."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "access_token": "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJhbmEifQ.VyEx7Yl5",
                "token_type": "bearer",
                "expires_in": 3600,
                "scope": "predict train",
            }
        }
    )

    access_token: str
    token_type: Literal["bearer"] = "bearer"  # noqa: S105 - the kind, no secret
    expires_in: int = Field(description="Seconds that the token is good for.")
    scope: str = Field(description="What it allows, separated by spaces.")


class AccessAnswer(BaseModel):
    """Whether callers must show who they are, and what this one may do."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"auth": True, "login": True, "scopes": ["predict", "train"]}}
    )

    auth: bool = Field(description="Whether a key or a token is needed.")
    login: bool = Field(description="Whether users can log in at /login.")
    scopes: list[Permission] = Field(description="What the caller may do; all where access control is off.")
