"""What the OpenAPI document says of access, taken from the one table of routes."""

from typing import Any, Final

from closecast_predictor.access.permissions import OPEN, PROBES, Permission, permission_of
from closecast_predictor.api.errors import PROBLEM_SCHEMA, PROBLEM_TYPE

_BEARER: Final = "bearer"
_LOGIN: Final = "login"
_METHODS: Final = frozenset({"get", "post", "put", "patch", "delete"})
_UNAUTHORIZED: Final = {
    "401": "No key and no token came, or none that is good.",
    "403": "The key or token lacks the scope.",
}
_TOO_MANY: Final = {"429": "Too many requests; `Retry-After` tells when to go on."}
_FLOOD: Final = {"431": "Too many or too large headers."}
_SLOW: Final = {"408": "The body took too long to come."}
_BUSY: Final = {"503": "Too busy, or not ready yet; try again."}


def describe_access(document: dict[str, Any], *, auth: bool, limits: bool) -> dict[str, Any]:
    """Add to an OpenAPI document who may call what, and how it is told.

    Args:
        document: Changed in place and returned.
        auth: Whether callers must show who they are.
        limits: Whether there is a limit on how often they may ask.
    """
    if auth:
        document.setdefault("components", {})["securitySchemes"] = _schemes()
    for path, operations in document["paths"].items():
        for method in _METHODS & set(operations):
            _describe(operations[method], method.upper(), path, auth=auth, limits=limits)
    return document


def _describe(operation: dict[str, Any], method: str, path: str, *, auth: bool, limits: bool) -> None:
    told = _FLOOD | ({} if path in PROBES else _BUSY) | (_SLOW if method == "POST" else {})
    permission = permission_of(method, path)
    if permission is not OPEN:
        told |= _TOO_MANY if limits else {}
        if auth:
            told |= _UNAUTHORIZED
            operation["security"] = [{_BEARER: [permission]}, {_LOGIN: [permission]}]
    for status, description in told.items():
        operation["responses"].setdefault(status, _problem(description))
    operation["responses"] = dict(sorted(operation["responses"].items()))


def _problem(description: str) -> dict[str, Any]:
    return {"description": description, "content": {PROBLEM_TYPE: {"schema": PROBLEM_SCHEMA}}}


def _schemes() -> dict[str, Any]:
    scopes = {
        Permission.PREDICT: "Ask for forecasts, and look at models, trainings and statistics.",
        Permission.TRAIN: "Ask for a training.",
        Permission.ADMIN: "Promote a model version, and everything else.",
    }
    return {
        _BEARER: {
            "type": "http",
            "scheme": "bearer",
            "description": "An API key, a token of /login, or a JWT of the identity provider.",
        },
        _LOGIN: {
            "type": "oauth2",
            "description": "Users of the settings.",
            "flows": {"password": {"tokenUrl": "/login", "scopes": {str(name): text for name, text in scopes.items()}}},
        },
    }
