from datetime import UTC, datetime

import pytest
from services.predictor.tests.api.conftest import LocalDesk
from services.predictor.tests.api.test_app import fields
from starlette.testclient import TestClient

from closecast.forecasting.card import ModelCard
from closecast_predictor.api.schemas.card_example import CARD_EXAMPLE
from closecast_predictor.api.schemas.models import VersionDetailsAnswer
from closecast_predictor.versions import Version, VersionDetails


def details(model: str, version: str, *, champion: bool = False, whole: bool = True) -> VersionDetails:
    return VersionDetails(
        Version(
            model=model,
            version=version,
            aliases=("champion",) if champion else (),
            outcome="promoted",
            reason="no worse than naive",
            created_at=datetime(2025, 7, int(version), tzinfo=UTC),
            skill=0.05,
            run_id="a" * 32,
            symbol="PETR4.SA" if model == "closecast-petr4.sa" else None,
            serving=champion,
        ),
        metrics={"candidate": {"mqloss": 0.009}},
        parameters={"epochs": "60"},
        symbols=("PETR4.SA",),
        spec={"schema_version": "1.0"} if whole else None,
        card=ModelCard.model_validate(CARD_EXAMPLE) if whole else None,
    )


@pytest.fixture(autouse=True)
def shelf(desk: LocalDesk) -> None:
    desk.shelf += [
        details("closecast-petr4.sa", "1", champion=True),
        details("closecast-panel", "3", whole=False),
        details("closecast-panel", "2", champion=True),
        details("closecast-panel", "1"),
    ]


def test_the_versions_are_listed(client: TestClient) -> None:
    found = client.get("/models").json()["models"]

    assert [(one["model"], one["version"], one["aliases"], one["serving"]) for one in found] == [
        ("closecast-petr4.sa", "1", ["champion"], True),
        ("closecast-panel", "3", [], False),
        ("closecast-panel", "2", ["champion"], True),
        ("closecast-panel", "1", [], False),
    ]
    assert found[0]["symbol"] == "PETR4.SA"
    assert len(client.get("/models?limit=2").json()["models"]) == 2


def test_a_version_is_the_panels_unless_a_model_is_named(client: TestClient) -> None:
    panels, own = client.get("/models/1").json(), client.get("/models/1?model=closecast-petr4.sa").json()

    assert (panels["model"], own["model"]) == ("closecast-panel", "closecast-petr4.sa")
    assert (own["metrics"], own["parameters"]) == ({"candidate": {"mqloss": 0.009}}, {"epochs": "60"})
    assert (own["symbols"], own["spec"]) == (["PETR4.SA"], {"schema_version": "1.0"})


def test_a_version_is_told_with_its_card_as_the_document_shows_it(client: TestClient) -> None:
    card = client.get("/models/2").json()["card"]

    assert ModelCard.model_validate(card) == ModelCard.model_validate(CARD_EXAMPLE)
    assert card.keys() == CARD_EXAMPLE.keys()
    assert card["out_of_scope"]
    assert card["overall"]["against"]["base"]["pinball"]["interval"] == [-0.00008, 0.00002]
    example = VersionDetailsAnswer.model_json_schema()["example"]
    assert example.keys() == client.get("/models/2").json().keys()
    assert VersionDetailsAnswer.model_validate(example).card is not None


def test_a_version_made_before_there_were_cards_has_none(client: TestClient) -> None:
    answer = client.get("/models/3")

    assert (answer.status_code, answer.json()["card"]) == (200, None)


@pytest.mark.parametrize("request_body", [{}, {"json": {}}, {"json": {"model": "closecast-panel"}}])
def test_an_earlier_version_is_made_champion(client: TestClient, request_body: dict[str, object]) -> None:
    answer = client.post("/models/1/promote", **request_body)  # type: ignore[arg-type]

    assert answer.status_code == 200
    assert (answer.json()["version"], answer.json()["aliases"]) == ("1", ["champion"])
    assert client.get("/models/2").json()["aliases"] == []
    assert client.get("/models/1?model=closecast-petr4.sa").json()["aliases"] == ["champion"]


def test_a_version_that_cannot_be_served_is_refused(client: TestClient) -> None:
    answer = client.post("/models/3/promote")

    assert answer.status_code == 409
    assert "spec.json is missing" in answer.json()["detail"]
    assert client.get("/models/2").json()["aliases"] == ["champion"]


@pytest.mark.parametrize(
    ("method", "path", "status", "field"),
    [
        ("GET", "/models/9", 404, "version"),
        ("GET", "/models/1?model=closecast-vale3.sa", 404, "version"),
        ("POST", "/models/9/promote", 404, "version"),
        ("GET", "/models/one", 422, "version"),
        ("GET", "/models/1?model=../../etc", 422, "model"),
        ("GET", "/models?limit=0", 422, "limit"),
        ("POST", "/models/one/promote", 422, "version"),
    ],
)
def test_what_is_no_version_is_refused(client: TestClient, method: str, path: str, status: int, field: str) -> None:
    answer = client.request(method, path)

    assert answer.status_code == status
    assert fields(answer) == [field]


def test_a_promotion_that_says_more_is_refused(client: TestClient) -> None:
    assert fields(client.post("/models/1/promote", json={"version": "2"})) == ["version"]
    assert fields(client.post("/models/1/promote", json={"model": "../../etc"})) == ["model"]


def test_without_mlflow_or_the_forecaster_a_later_try_is_asked_for(client: TestClient, desk: LocalDesk) -> None:
    desk.reachable = False

    for answer in (client.get("/models"), client.get("/models/1"), client.post("/models/1/promote")):
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
