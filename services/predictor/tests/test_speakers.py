from pathlib import Path

import pytest
from prometheus_client import REGISTRY
from services.predictor.tests.support import write_version

from closecast.model_names import ModelNames
from closecast_predictor.cache import LoadedModel
from closecast_predictor.champion import Retired
from closecast_predictor.speakers import Speakers

NAMES = ModelNames("closecast-panel")
CREATED = "closecast_predictor_model_created_timestamp_seconds"
INFO = "closecast_predictor_model_info"
SYMBOLS = ("AAPL", "PETR4.SA", "VALE3.SA")


@pytest.fixture
def own(tmp_path: Path) -> LoadedModel:
    folder = write_version(tmp_path / "own", universe=("PETR4.SA",))
    return LoadedModel.read(NAMES.own("PETR4.SA"), "1", "PETR4.SA", folder)


@pytest.fixture
def panel(tmp_path: Path) -> LoadedModel:
    return LoadedModel.read(NAMES.panel, "4", None, write_version(tmp_path / "panel"))


def test_only_symbols_that_another_model_speaks_for_are_told(own: LoadedModel, panel: LoadedModel) -> None:
    speakers = Speakers(NAMES)

    assert speakers.versions == {NAMES.panel: "base"}
    assert speakers.change([own], SYMBOLS) == {"PETR4.SA"}
    assert speakers.change([panel], SYMBOLS) == {"AAPL", "VALE3.SA"}
    assert speakers.versions == {NAMES.panel: "4", own.name: "1"}
    assert speakers.change([], SYMBOLS) == set()
    assert speakers.change([Retired(own.name)], SYMBOLS) == {"PETR4.SA"}
    assert speakers.change([Retired(NAMES.panel), Retired(own.name)], SYMBOLS) == set(SYMBOLS)
    assert speakers.versions == {NAMES.panel: "base"}


def test_a_lineup_that_was_handed_out_stays_as_it_is(own: LoadedModel, panel: LoadedModel) -> None:
    speakers = Speakers(NAMES)
    speakers.change([own, panel], SYMBOLS)
    before = speakers.lineup

    speakers.change([Retired(own.name)], SYMBOLS)

    assert before.of("PETR4.SA") is own
    assert speakers.lineup.of("PETR4.SA") is panel


def test_prometheus_sees_who_speaks_and_since_when(own: LoadedModel, panel: LoadedModel) -> None:
    speakers = Speakers(NAMES)
    speakers.change([own, panel], SYMBOLS)
    speakers.change([Retired(own.name)], SYMBOLS)

    assert panel.model.created_at is not None
    told = {name: REGISTRY.get_sample_value(CREATED, {"model": name}) for name in (own.name, panel.name)}
    assert told == {own.name: 0, panel.name: panel.model.created_at.timestamp()}
    assert REGISTRY.get_sample_value(INFO, {"model": own.name, "version": "1"}) == 0
    assert REGISTRY.get_sample_value(INFO, {"model": panel.name, "version": "4"}) == 1
