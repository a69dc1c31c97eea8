"""Random requests that follow the OpenAPI document, and such as break it: every answer is one that it describes."""

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

from closecast_predictor.api.app import build_app
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


@pytest.mark.fuzz
@SCHEMA.parametrize()
@settings(max_examples=cases(20), suppress_health_check=list(HealthCheck))
def test_every_answer_is_documented(case: Case) -> None:
    case.call_and_validate(checks=CHECKS)
