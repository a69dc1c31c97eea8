from collections.abc import Iterable, Iterator

import pytest
from services.predictor.tests.api.conftest import LocalDesk
from starlette.routing import BaseRoute, Mount, Route

from closecast_predictor.access.permissions import OPEN, PROBES, ROUTES, Permission, permission_of
from closecast_predictor.api.app import build_app
from closecast_predictor.api.routes.context import Context
from closecast_predictor.api.serving import Serving


def declared(routes: Iterable[BaseRoute]) -> Iterator[str]:
    for route in routes:
        if hasattr(route, "original_router"):
            yield from declared(route.original_router.routes)
        elif isinstance(route, Mount):
            yield f"GET {route.path}/{{path:path}}"
        else:
            assert isinstance(route, Route), f"{route!r}: the guard knows routes and mounted folders alone"
            for method in (route.methods or set()) - {"HEAD"}:
                yield f"{method} {route.path}"


def test_the_table_names_every_route_of_the_application_and_no_other() -> None:
    app = build_app(Context(Serving(), LocalDesk()))

    routes = set(declared(app.routes))

    assert routes == set(ROUTES), "access/permissions.py says who may call what"


@pytest.mark.parametrize(
    ("method", "path", "needed"),
    [
        ("POST", "/predict", Permission.PREDICT),
        ("GET", "/forecast/PETR4.SA", Permission.PREDICT),
        ("GET", "/forecast/a/b", Permission.PREDICT),
        ("POST", "/train", Permission.TRAIN),
        ("GET", "/train/3f", Permission.PREDICT),
        ("POST", "/models/3/promote", Permission.ADMIN),
        ("GET", "/health", OPEN),
        ("HEAD", "/health", OPEN),
        ("GET", "/", OPEN),
        ("GET", "/assets/js/main.js", OPEN),
    ],
)
def test_routes_need_what_the_table_says(method: str, path: str, needed: Permission | None) -> None:
    assert permission_of(method, path) is needed


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/nowhere"),
        ("DELETE", "/predict"),
        ("POST", "/health"),
        ("POST", "//train"),
        ("POST", "/train/"),
        ("POST", "/TRAIN"),
        ("GET", "/assets"),
        ("GET", "/health/x"),
        ("POST", "/models/3/promote/x"),
        ("OPTIONS", "/train"),
        ("PUT", "/assets/x"),
        ("GET", ""),
        ("GET", "*"),
        ("GET", "/health\n/x"),
        ("GET", "/-/routes/x"),
        ("GET", "/api/jobs/"),
    ],
)
def test_what_the_table_does_not_name_needs_admin(method: str, path: str) -> None:
    assert permission_of(method, path) is Permission.ADMIN


def test_probes_are_open() -> None:
    assert {permission_of("GET", path) for path in PROBES} == {OPEN}
