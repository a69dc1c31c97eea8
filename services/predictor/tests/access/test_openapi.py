"""What the OpenAPI document says of access."""

from services.predictor.tests.access.doors import auth, guarded, key_with
from starlette.testclient import TestClient

from closecast_predictor.access.authenticator import Authenticator
from closecast_predictor.access.guard import Guard
from closecast_predictor.access.permissions import Permission
from closecast_predictor.api.app import openapi_document
from closecast_predictor.api.serving import Serving


def test_the_document_names_the_scope_of_each_route() -> None:
    document = openapi_document()

    assert set(document["components"]["securitySchemes"]) == {"bearer", "login"}
    assert document["components"]["securitySchemes"]["login"]["flows"]["password"]["tokenUrl"] == "/login"
    train = document["paths"]["/train"]["post"]
    assert train["security"] == [{"bearer": ["train"]}, {"login": ["train"]}]
    assert {"401", "403", "429", "503"} <= set(train["responses"])
    assert "security" not in document["paths"]["/health"]["get"]
    assert "503" not in document["paths"]["/health"]["get"]["responses"]


def test_an_application_without_access_control_asks_for_nothing(client: TestClient) -> None:
    document = client.get("/openapi.json").json()

    assert "securitySchemes" not in document["components"]
    predict = document["paths"]["/predict"]["post"]
    assert "security" not in predict
    assert not {"401", "403", "429"} & set(predict["responses"])


def test_one_with_it_does(serving: Serving) -> None:
    with guarded(serving, Guard(Authenticator(auth(keys=key_with(Permission.ADMIN)[1])))) as client:
        document = client.get("/openapi.json").json()

    assert document["paths"]["/predict"]["post"]["security"] == [{"bearer": ["predict"]}, {"login": ["predict"]}]
    assert "401" in document["paths"]["/predict"]["post"]["responses"]
