from pathlib import Path

import pytest
import requests
from mlflow import MlflowClient
from services.predictor.tests.registry import promote, register, settings_of
from services.predictor.tests.support import SKILL, write_version

from closecast.forecasting.card import CARD_FILE, ModelCard
from closecast.forecasting.spec import ONNX_FILE
from closecast.mlflow_settings import CHAMPION, CHOSEN_TAG, OUTCOME_TAG, REASON_TAG, SKILL_TAG, MlflowSettings
from closecast.ports import free_ports
from closecast_predictor.api.schemas.card_example import CARD_EXAMPLE
from closecast_predictor.catalog import Catalog
from closecast_predictor.registry import Registry, RegistryUnavailableError
from closecast_predictor.versions import Refusal, VersionDetails

CARD = ModelCard.model_validate(CARD_EXAMPLE)


@pytest.fixture
def mlflow(mlflow_server_uri: str) -> MlflowSettings:
    return settings_of(mlflow_server_uri)


@pytest.fixture
def client(mlflow_server_uri: str) -> MlflowClient:
    return MlflowClient(mlflow_server_uri)


def catalog_of(mlflow: MlflowSettings, **speaking: str) -> Catalog:
    return Catalog(Registry(mlflow), lambda: {name.replace("_", "-"): speaking[name] for name in speaking})


def test_all_versions_are_listed_with_what_became_of_them(
    mlflow: MlflowSettings, client: MlflowClient, tmp_path: Path
) -> None:
    panel = promote(mlflow, tmp_path / "panel")
    own = promote(mlflow, tmp_path / "own", symbol="PETR4.SA")
    rejected = register(mlflow, write_version(tmp_path / "rejected"), mlflow.model)
    register(mlflow, write_version(tmp_path / "other"), f"{mlflow.model}other")
    for key, value in ((OUTCOME_TAG, "rejected"), (REASON_TAG, "worse"), (SKILL_TAG, "-0.25")):
        client.set_model_version_tag(mlflow.model, rejected.version, key, value)

    found = Catalog(Registry(mlflow), lambda: {mlflow.model: "1"}).versions(10)

    assert [(one.model, one.version, one.aliases, one.serving, one.symbol) for one in found] == [
        (mlflow.model, "2", (), False, None),
        (own.model, "1", (CHAMPION,), False, "PETR4.SA"),
        (mlflow.model, panel.version, (CHAMPION,), True, None),
    ]
    assert (found[0].outcome, found[0].reason, found[0].skill) == ("rejected", "worse", -0.25)
    assert found[0].run_id == rejected.run_id


def test_a_version_is_told_with_its_spec(mlflow: MlflowSettings, tmp_path: Path) -> None:
    event = promote(mlflow, tmp_path / "own", symbol="PETR4.SA")

    found = catalog_of(mlflow).version(event.model, "1")

    assert isinstance(found, VersionDetails)
    assert (found.version.aliases, found.symbols) == ((CHAMPION,), ("PETR4.SA",))
    assert found.spec is not None
    assert found.spec["skill"] == SKILL


def test_a_version_is_told_with_its_card(mlflow: MlflowSettings, tmp_path: Path) -> None:
    register(mlflow, write_version(tmp_path / "version", card=CARD), mlflow.model)

    found = catalog_of(mlflow).version(mlflow.model, "1")

    assert isinstance(found, VersionDetails)
    assert found.card == CARD


@pytest.mark.parametrize("content", [None, "{}", "no JSON"])
def test_a_version_without_a_card_that_can_be_read_is_told_and_served(
    mlflow: MlflowSettings, tmp_path: Path, content: str | None
) -> None:
    folder = write_version(tmp_path / "version")
    if content is not None:
        (folder / CARD_FILE).write_text(content)
    register(mlflow, folder, mlflow.model)
    catalog = catalog_of(mlflow)

    found = catalog.version(mlflow.model, "1")

    assert isinstance(found, VersionDetails)
    assert (found.card, found.spec is None) == (None, False)
    assert not isinstance(catalog.promote(mlflow.model, "1"), Refusal)


def test_a_rollback_moves_the_alias_and_leaves_word_of_it(
    mlflow: MlflowSettings, client: MlflowClient, tmp_path: Path
) -> None:
    first = promote(mlflow, tmp_path / "first")
    promote(mlflow, tmp_path / "second")
    catalog = catalog_of(mlflow)
    assert catalog.versions(1)[0].aliases == (CHAMPION,)

    event = catalog.promote(mlflow.model, "1")

    assert not isinstance(event, Refusal)
    assert (event.outcome, event.decided_by, event.version, event.run_id) == ("promoted", "person", "1", first.run_id)
    assert "rollback" in event.reason
    assert "version 2" in event.reason
    assert client.get_model_version_by_alias(mlflow.model, CHAMPION).version == "1"
    assert client.get_registered_model(mlflow.model).tags[CHOSEN_TAG].startswith("1 ")
    assert [one.aliases for one in catalog.versions(2)] == [(), (CHAMPION,)]


def test_what_cannot_be_served_is_not_promoted(mlflow: MlflowSettings, client: MlflowClient, tmp_path: Path) -> None:
    good = promote(mlflow, tmp_path / "good")
    damaged = write_version(tmp_path / "damaged")
    (damaged / ONNX_FILE).write_bytes(b"damaged")
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "README").write_text("nothing")
    own = mlflow.names.own("PETR4.SA")
    failed = register(mlflow, write_version(tmp_path / "failed"), mlflow.model)
    client.set_model_version_tag(mlflow.model, failed.version, OUTCOME_TAG, "failed")
    unfit = [
        (register(mlflow, damaged, mlflow.model), "cannot be served: model.onnx"),
        (register(mlflow, tmp_path / "empty", mlflow.model), "cannot be served: spec.json"),
        (register(mlflow, write_version(tmp_path / "another"), own), "speaks for PETR4.SA alone"),
        (failed, "failed"),
    ]

    for event, reason in unfit:
        refused = catalog_of(mlflow).promote(event.model, str(event.version))
        assert isinstance(refused, Refusal)
        assert (refused.kind, reason in refused.reason) == ("unfit", True), refused

    assert client.get_model_version_by_alias(mlflow.model, CHAMPION).version == good.version
    assert CHOSEN_TAG not in client.get_registered_model(mlflow.model).tags


def test_a_version_that_was_registered_by_hand_is_told_and_not_promoted(
    mlflow: MlflowSettings, client: MlflowClient, tmp_path: Path
) -> None:
    client.create_registered_model(mlflow.model)
    client.create_model_version(mlflow.model, "s3://models/nothing", run_id="")
    client.set_model_version_tag(mlflow.model, "1", SKILL_TAG, "good")
    client.set_registered_model_alias(mlflow.model, CHAMPION, "1")
    register(mlflow, write_version(tmp_path / "version"), mlflow.model)
    catalog = catalog_of(mlflow)

    found = catalog.version(mlflow.model, "1")
    refused = catalog.promote(mlflow.model, "1")
    event = catalog.promote(mlflow.model, "2")

    assert isinstance(found, VersionDetails)
    assert (found.version.skill, found.parameters, found.spec) == (None, {}, None)
    assert isinstance(refused, Refusal)
    assert refused.kind == "unfit"
    assert not isinstance(event, Refusal)
    assert "in place of version 1" in event.reason
    assert [one.skill for one in catalog.versions(2)] == [None, None]


def test_measures_that_are_no_numbers_are_left_out(mlflow: MlflowSettings, tmp_path: Path) -> None:
    folder = write_version(tmp_path / "version", mqloss={"candidate": 0.01, "naive": float("nan")})
    register(mlflow, folder, mlflow.model)

    found = catalog_of(mlflow).version(mlflow.model, "1")

    assert isinstance(found, VersionDetails)
    assert found.metrics == {"candidate": {"mqloss": 0.01}, "naive": {}}


def test_a_number_is_told_as_mlflow_writes_it(mlflow: MlflowSettings, client: MlflowClient, tmp_path: Path) -> None:
    promote(mlflow, tmp_path / "version")

    event = catalog_of(mlflow).promote(mlflow.model, "001")

    assert not isinstance(event, Refusal)
    assert event.version == "1"
    assert client.get_registered_model(mlflow.model).tags[CHOSEN_TAG].startswith("1 ")


@pytest.mark.parametrize("chosen", [None, "1 2025-07-01T12:00:00Z"])
def test_a_promotion_that_fails_half_way_leaves_no_choice_behind(
    mlflow: MlflowSettings, client: MlflowClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chosen: str | None
) -> None:
    promote(mlflow, tmp_path / "first")
    register(mlflow, write_version(tmp_path / "second"), mlflow.model)
    if chosen is not None:
        client.set_registered_model_tag(mlflow.model, CHOSEN_TAG, chosen)

    def fails(*_: object) -> None:
        assert client.get_registered_model(mlflow.model).tags[CHOSEN_TAG].startswith("2 ")
        raise requests.ConnectionError("gone")

    registry = Registry(mlflow)
    monkeypatch.setattr(registry.client, "set_registered_model_alias", fails)

    with pytest.raises(RegistryUnavailableError):
        Catalog(registry, dict).promote(mlflow.model, "2")

    registered = client.get_registered_model(mlflow.model)
    assert (registered.tags.get(CHOSEN_TAG), str(registered.aliases[CHAMPION])) == (chosen, "1")


def test_what_does_not_exist_is_unknown(mlflow: MlflowSettings, tmp_path: Path) -> None:
    promote(mlflow, tmp_path / "panel")
    catalog = catalog_of(mlflow)

    for model, version in ((mlflow.model, "9"), (mlflow.names.own("PETR4.SA"), "1"), ("another", "1")):
        for found in (catalog.version(model, version), catalog.promote(model, version)):
            assert found == Refusal("unknown", f"there is no version {version} of {model}")


def test_without_mlflow_nothing_is_said() -> None:
    (port,) = free_ports(1)
    catalog = catalog_of(MlflowSettings(tracking_uri=f"http://127.0.0.1:{port}", timeout_s=1))

    for ask in (lambda: catalog.versions(5), lambda: catalog.version("closecast-panel", "1")):
        with pytest.raises(
            RegistryUnavailableError, match=r"MLflow does not answer: \[Errno 111\] Connection refused$"
        ):
            ask()
