import pickle
from pathlib import Path

import numpy as np
import pytest
from services.predictor.tests.support import SKILL, book_of, quotes_of, write_version

from closecast.forecasting.panel import Panel
from closecast.forecasting.spec import ONNX_FILE, InvalidBundleError
from closecast_predictor.snapshot import Model, ModelFiles, Snapshot

PANEL = Panel.from_quotes(quotes_of("PETR4.SA"))


def test_a_version_speaks_the_same_after_its_journey(tmp_path: Path) -> None:
    folder = write_version(tmp_path / "version")
    files = pickle.loads(pickle.dumps(ModelFiles.read("closecast-panel", "3", folder)))  # noqa: S301 - as Ray does

    (tmp_path / "there").mkdir()
    there = files.load(tmp_path / "there")

    assert (there.name, there.version, there.skill) == ("closecast-panel", "3", SKILL)
    (tmp_path / "here").mkdir()
    here = ModelFiles.read("closecast-panel", "3", folder).load(tmp_path / "here")
    np.testing.assert_array_equal(there.forecaster.forecast(PANEL), here.forecaster.forecast(PANEL))


def test_no_files_mean_the_base(tmp_path: Path) -> None:
    model = ModelFiles("closecast-panel", "base").load(tmp_path)

    assert (model.version, model.skill) == ("base", None)


def test_a_damaged_version_is_refused(tmp_path: Path) -> None:
    folder = write_version(tmp_path / "version")
    (folder / ONNX_FILE).write_bytes(b"damaged")
    (tmp_path / "loaded").mkdir()

    with pytest.raises(InvalidBundleError, match=ONNX_FILE):
        ModelFiles.read("closecast-panel", "3", folder).load(tmp_path / "loaded")


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    folder = write_version(tmp_path / "version")
    (folder / ONNX_FILE).unlink()

    with pytest.raises(FileNotFoundError):
        ModelFiles.read("closecast-panel", "3", folder)


def test_a_snapshot_survives_its_journey() -> None:
    book = book_of("PETR4.SA")
    book.forecast(Model.base("closecast-panel"), book.symbols)
    snapshot = Snapshot("a-1", "closecast-panel", "base", book.answers)

    assert pickle.loads(pickle.dumps(snapshot)) == snapshot  # noqa: S301 - as Ray does
