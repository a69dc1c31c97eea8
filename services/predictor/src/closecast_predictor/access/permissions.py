"""Which permission each route needs: one table, which denies what it does not name."""

import re
from enum import StrEnum
from typing import Final

from starlette.routing import compile_path


class Permission(StrEnum):
    """What a caller may do; OAuth calls it a scope."""

    PREDICT = "predict"
    TRAIN = "train"
    ADMIN = "admin"


ALL: Final = frozenset(Permission)
OPEN: Final = None
"""Marks a route that needs no permission."""

_PREDICT, _TRAIN, _ADMIN = Permission.PREDICT, Permission.TRAIN, Permission.ADMIN

ROUTES: Final[dict[str, Permission | None]] = {
    "POST /predict": _PREDICT,
    "GET /predict_b3": _PREDICT,
    "POST /predict_b3": _PREDICT,
    "GET /forecast/{symbol:path}": _PREDICT,
    "POST /v1/timeseries/forecast": _PREDICT,
    "GET /v1/timeseries/models": _PREDICT,
    "GET /symbols": _PREDICT,
    "GET /quotes/{symbol:path}": _PREDICT,
    "GET /stats": _PREDICT,
    "GET /stats/{symbol:path}": _PREDICT,
    "GET /models": _PREDICT,
    "GET /models/{version}": _PREDICT,
    "GET /train": _PREDICT,
    "GET /train/{id}": _PREDICT,
    "POST /train": _TRAIN,
    "POST /models/{version}/promote": _ADMIN,
    "POST /login": OPEN,
    "GET /access": OPEN,
    "GET /health": OPEN,
    "GET /livez": OPEN,
    "GET /readyz": OPEN,
    "GET /ready": OPEN,
    "GET /v2/health/live": OPEN,
    "GET /v2/health/ready": OPEN,
    "GET /metrics": OPEN,
    "GET /openapi.json": OPEN,
    "GET /docs": OPEN,
    "GET /docs/oauth2-redirect": OPEN,
    "GET /static-offline-docs/{path:path}": OPEN,
    "GET /": OPEN,
    "GET /assets/{path:path}": OPEN,
}
"""Permission by method and path, the path as its route is declared; a mounted folder ends with `{path:path}`."""

PROBES: Final = frozenset({"/health", "/livez", "/readyz", "/ready", "/v2/health/live", "/v2/health/ready", "/metrics"})
"""What a replica answers however busy it is: else it would be taken for dead just when it is needed."""


def permission_of(method: str, path: str) -> Permission | None:
    """Return the permission that a request needs, `OPEN` for none; what no route is declared for needs `admin`."""
    read = "GET" if method == "HEAD" else method
    for pattern, permission in _BY_START.get((read, _start(path)), ()):
        if pattern.match(path):
            return permission
    return _ADMIN


def implied_by(granted: frozenset[Permission]) -> frozenset[Permission]:
    """Return what these permissions allow: `admin` includes the others."""
    return ALL if _ADMIN in granted else granted


def _start(path: str) -> str:
    return path.split("/", 2)[1] if path.startswith("/") else ""


def _by_start() -> dict[tuple[str, str], list[tuple[re.Pattern[str], Permission | None]]]:
    """Return the table by method and first part of the path: looked through for every request."""
    table: dict[tuple[str, str], list[tuple[re.Pattern[str], Permission | None]]] = {}
    for route, permission in ROUTES.items():
        method, path = route.split(" ")
        table.setdefault((method, _start(path)), []).append((compile_path(path)[0], permission))
    return table


_BY_START: Final = _by_start()
