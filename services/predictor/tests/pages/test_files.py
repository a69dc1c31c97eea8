"""The files of the pages as HTTP gives them; this needs no browser."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from services.predictor.tests.api.conftest import LocalDesk
from services.predictor.tests.support import serving_of
from starlette.testclient import TestClient

from closecast_predictor.api.app import build_app
from closecast_predictor.api.edge import Edge
from closecast_predictor.api.routes.context import Context
from closecast_predictor.api.routes.pages import PAGES

ROOT = Path(__file__).parents[2]
ASSETS = PAGES / "assets"


@pytest.fixture(scope="module")
def client() -> TestClient:
    serving = serving_of("AAPL")
    return TestClient(Edge(build_app(Context(serving, LocalDesk())), serving))


def test_every_address_of_the_page_is_served_from_here(client: TestClient) -> None:
    page = client.get("/")
    addresses = re.findall(r'(?:src|href)="([^"]+)"', page.text)

    assert page.headers["content-type"].startswith("text/html")
    assert len(addresses) > 5
    for address in addresses:
        assert not address.startswith(("/", "http"))  # so that the pages also stand below a prefix
        assert client.get(f"/{address}").status_code == 200


@pytest.mark.parametrize("file", sorted(path.relative_to(ASSETS) for path in ASSETS.rglob("*.js")), ids=str)
def test_scripts_load_what_is_there_and_nothing_else(file: Path) -> None:
    for found in re.findall(r'(?:from|import)\s*"([^"]+)"', (ASSETS / file).read_text(encoding="utf-8")):
        assert found.startswith("."), found
        assert (ASSETS / file).parent.joinpath(found).is_file(), found


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/assets/js/main.js", "text/javascript"),
        ("/assets/css/base.css", "text/css"),
        ("/assets/icon.svg", "image/svg+xml"),
        ("/assets/locales/pt.json", "application/json"),
    ],
)
def test_files_have_their_type_and_are_asked_for_again_by_etag(client: TestClient, path: str, kind: str) -> None:
    first = client.get(path)
    again = client.get(path, headers={"If-None-Match": first.headers["etag"]})

    assert first.headers["content-type"].startswith(kind)
    assert first.headers["cache-control"] == "no-cache"
    assert again.status_code == 304
    assert client.head(path).status_code == 200


@pytest.mark.parametrize("path", ["/", "/assets/js/main.js"])
def test_browsers_run_nothing_from_elsewhere(client: TestClient, path: str) -> None:
    headers = client.get(path).headers

    assert "default-src 'self'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "path",
    [
        "/assets/nothing.js",
        "/assets/",
        "/assets/js",
        "/assets/%2e%2e/index.html",
        "/assets/..%2f..%2fsettings.py",
        "/assets//etc/passwd",
        "/assets/%2fetc%2fpasswd",
        "/assets/..%5c..%5csettings.py",
        "/assets/js/main.js%00",
    ],
)
def test_nothing_else_is_served(client: TestClient, path: str) -> None:
    answer = client.get(path)

    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


def keys(messages: dict[str, Any], path: str = "") -> set[str]:
    """Return the path of every message; the plurals of one are one."""
    if "other" in messages:
        return {path}
    return {
        found
        for name, value in messages.items()
        for found in (keys(value, f"{path}.{name}") if isinstance(value, dict) else {f"{path}.{name}"})
    }


def values(messages: dict[str, Any]) -> set[str]:
    """Return what is filled into the messages."""
    return set(re.findall(r"\{(\w+)\}", json.dumps(messages, ensure_ascii=False)))


def test_all_languages_say_the_same() -> None:
    english, portuguese = (
        json.loads((ASSETS / "locales" / f"{name}.json").read_text(encoding="utf-8")) for name in ("en", "pt")
    )

    assert keys(english) == keys(portuguese)
    assert values(english) == values(portuguese)


def test_every_message_that_scripts_name_is_there() -> None:
    english = json.loads((ASSETS / "locales" / "en.json").read_text(encoding="utf-8"))
    known = {key.removeprefix(".") for key in keys(english)}
    scripts = "\n".join(path.read_text(encoding="utf-8") for path in (ASSETS / "js").rglob("*.js"))

    named = set(re.findall(r'\bt\(\s*"([\w.]+)"', scripts))
    assert len(named) > 80
    assert named <= known


@pytest.mark.parametrize(
    ("package", "file"), [("lit-html", "lit-html/lit-html.js"), ("uplot", "uplot/uPlot.iife.min.js")]
)
def test_libraries_are_those_that_are_pinned_and_bring_their_licence(package: str, file: str) -> None:
    lock = json.loads((ROOT / "package-lock.json").read_text(encoding="utf-8"))
    path = ASSETS / "vendor" / file

    assert lock["packages"][f"node_modules/{package}"]["version"] in path.read_text(encoding="utf-8")
    assert (path.parent / "LICENSE").is_file()


def test_the_lock_names_no_registry() -> None:
    lock = json.loads((ROOT / "package-lock.json").read_text(encoding="utf-8"))

    assert not any("resolved" in package for package in lock["packages"].values())
