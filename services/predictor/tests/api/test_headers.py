"""What answers forbid browsers, and what of Ray cannot be reached through the application."""

import re

import pytest
from starlette.testclient import TestClient

from closecast_predictor.api.headers import SecurityHeaders


@pytest.mark.parametrize(
    "path", ["/health", "/docs", "/nowhere", "/openapi.json", "/static-offline-docs/swagger-ui.css"]
)
def test_answers_forbid_guessing_and_framing(client: TestClient, path: str) -> None:
    headers = client.get(path).headers

    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    policy = headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "object-src 'none'" in policy


def test_only_the_documentation_runs_a_script_of_the_page(client: TestClient) -> None:
    docs, other = client.get("/docs"), client.get("/health")

    assert re.search(r"<script>\s*const ui", docs.text)
    assert "script-src 'self' 'unsafe-inline'" in docs.headers["content-security-policy"]
    assert "unsafe-inline" not in other.headers["content-security-policy"]


def test_headers_of_a_route_stay() -> None:
    async def page(_scope: object, _receive: object, send: object) -> None:
        headers = [(b"content-security-policy", b"default-src 'none'")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})  # type: ignore[operator]
        await send({"type": "http.response.body", "body": b""})  # type: ignore[operator]

    answer = TestClient(SecurityHeaders(page)).get("/")

    assert answer.headers.get_list("content-security-policy") == ["default-src 'none'"]
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "path",
    [
        "/api/jobs/",
        "/api/jobs",
        "/api/version",
        "/api/serve/applications/",
        "/api/cluster_status",
        "/dashboard",
        "/dashboard/",
        "/logs",
        "/nodes",
        "/-/routes",
        "/-/healthz",
        "/-/",
        "/internal/route",
    ],
)
def test_ray_cannot_be_reached_through_the_application(client: TestClient, path: str) -> None:
    for answer in (client.get(path), client.post(path, json={"entrypoint": "true"})):
        assert answer.status_code == 404
        assert answer.headers["content-type"] == "application/problem+json"
