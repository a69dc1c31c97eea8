"""Random requests that follow the OpenAPI document, and such as break it: every answer is one that it describes."""

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from services.predictor.tests.api.conftest import LocalDesk
from services.predictor.tests.support import serving_of

from closecast_predictor.api.app import build_app, openapi_document
from closecast_predictor.api.edge import Edge
from closecast_predictor.api.routes.context import Context
from tests.support.fuzzing import cases

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
SERVING = serving_of("PETR4.SA", "VALE3.SA", "AAPL")
APPLICATION = Edge(build_app(Context(SERVING, LocalDesk())), SERVING)
SCHEMA = schemathesis.openapi.from_asgi("/openapi.json", APPLICATION)


DOCUMENT = openapi_document()


def is_shown(schema: dict[str, Any]) -> bool:
    """Tell whether a reader of the document sees an example of what a schema describes."""
    if "$ref" in schema:
        return is_shown(DOCUMENT["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]])
    if {"example", "examples", "default", "const", "enum"} & schema.keys() or schema.get("type") in {"null", "boolean"}:
        return True
    if "anyOf" in schema:
        return any(map(is_shown, schema["anyOf"]))
    if "items" in schema:
        return is_shown(schema["items"])
    return "properties" in schema and all(map(is_shown, schema["properties"].values()))


BODIES = {
    f"{method} {path} {status} {kind}": body
    for path, operations in DOCUMENT["paths"].items()
    for method, operation in operations.items()
    for status, part in (("asks", operation.get("requestBody", {})), *operation["responses"].items())
    for kind, body in part.get("content", {}).items()
    if kind != "text/html"
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_every_body_has_an_example(body: dict[str, Any]) -> None:
    assert {"example", "examples"} & body.keys() or is_shown(body["schema"])


@pytest.mark.fuzz
@SCHEMA.parametrize()
@settings(max_examples=cases(20), suppress_health_check=list(HealthCheck))
def test_every_answer_is_documented(case: Case[Any]) -> None:
    case.call_and_validate(checks=CHECKS)
