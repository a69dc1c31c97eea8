import pickle
import re
from pathlib import Path

import numpy as np
import pytest
from services.predictor.tests.support import SKILL, book_of, quote, quotes_of, sessions_of, write_version

from closecast.forecasting.panel import Panel
from closecast.forecasting.spec import ONNX_FILE, InvalidBundleError
from closecast_predictor.snapshot import Lineup, Model, ModelFiles, Snapshot

PANEL = Panel.from_quotes(quotes_of("PETR4.SA"))


def test_a_version_speaks_the_same_after_its_journey(tmp_path: Path) -> None:
    folder = write_version(tmp_path / "version")
    files = pickle.loads(pickle.dumps(ModelFiles.read("closecast-panel", "3", None, folder)))  # noqa: S301 - as Ray does

    (tmp_path / "there").mkdir()
    there = files.load(tmp_path / "there")

    assert (there.name, there.version, there.skill) == ("closecast-panel", "3", SKILL)
    (tmp_path / "here").mkdir()
    here = ModelFiles.read("closecast-panel", "3", None, folder).load(tmp_path / "here")
    np.testing.assert_array_equal(there.forecaster.forecast(PANEL), here.forecaster.forecast(PANEL))


def test_no_files_mean_the_base(tmp_path: Path) -> None:
    model = ModelFiles("closecast-panel", "base").load(tmp_path)

    assert (model.version, model.skill) == ("base", None)


def test_a_damaged_version_is_refused(tmp_path: Path) -> None:
    folder = write_version(tmp_path / "version")
    (folder / ONNX_FILE).write_bytes(b"damaged")
    (tmp_path / "loaded").mkdir()

    with pytest.raises(InvalidBundleError, match=ONNX_FILE):
        ModelFiles.read("closecast-panel", "3", None, folder).load(tmp_path / "loaded")


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    folder = write_version(tmp_path / "version")
    (folder / ONNX_FILE).unlink()

    with pytest.raises(FileNotFoundError):
        ModelFiles.read("closecast-panel", "3", None, folder)


def test_a_snapshot_survives_its_journey() -> None:
    book = book_of("PETR4.SA")
    book.forecast(Lineup(Model.base("closecast-panel")), book.symbols)
    snapshot = Snapshot("a-1", "closecast-panel", "base", book.answers)

    assert pickle.loads(pickle.dumps(snapshot)) == snapshot  # noqa: S301 - as Ray does


def test_only_what_has_changed_travels_to_those_who_have_the_rest() -> None:
    models = Lineup(Model.base("closecast-panel"))
    book = book_of("PETR4.SA", "VALE3.SA", "AAPL")
    book.forecast(models, book.symbols)
    first = Snapshot("a-1", "closecast-panel", "base", book.answers)
    book.take([quote("VALE3.SA", sessions_of("VALE3.SA", 81)[-1], 31.5)])
    book.forecast(models, ["VALE3.SA"])
    second = Snapshot("a-2", "closecast-panel", "base", book.answers)

    sent = second.since(first)

    assert list(sent.answers) == ["VALE3.SA"]
    assert sent.whole(first) == second.whole(None) == second
    for other in (None, second):
        with pytest.raises(LookupError, match="based on a-1"):
            sent.whole(other)


@pytest.mark.parametrize("universe", [("VALE3.SA",), ("PETR4.SA", "VALE3.SA")])
def test_a_model_of_other_symbols_never_becomes_a_symbols_own(universe: tuple[str, ...], tmp_path: Path) -> None:
    folder = write_version(tmp_path / "version", universe=universe)

    with pytest.raises(InvalidBundleError, match=r"speaks for PETR4\.SA alone"):
        Model.read("closecast-petr4.sa", "3", "PETR4.SA", folder)


@pytest.mark.parametrize(
    ("mqloss", "told"),
    [
        ({"candidate": 0.009, "panel": 0.0095}, r"beat the panel's version 7 .* \(mqloss 0\.009 against 0\.0095\)"),
        ({"candidate": 0.0095, "panel": 0.009}, "chosen by a person though it did not beat the panel's version 7"),
        ({"candidate": 0.009}, "the panel had none that it could be judged beside"),
    ],
)
def test_an_own_model_says_why_it_speaks(mqloss: dict[str, float], told: str, tmp_path: Path) -> None:
    folder = write_version(tmp_path / "version", universe=("PETR4.SA",), mqloss=mqloss)

    assert re.search(told, Model.read("closecast-petr4.sa", "3", "PETR4.SA", folder).why)


def test_a_symbol_is_spoken_for_by_its_own_model_else_by_the_panels() -> None:
    lineup = Lineup("panel", {"PETR4.SA": "own"})

    assert [lineup.of(symbol) for symbol in ("PETR4.SA", "VALE3.SA", None)] == ["own", "panel", "panel"]
    assert list(lineup.map(str.upper)) == ["PANEL", "OWN"]
