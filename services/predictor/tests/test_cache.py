from pathlib import Path

from services.predictor.tests.support import write_version

from closecast.forecasting.spec import ONNX_FILE
from closecast.model_names import ModelNames
from closecast_predictor.cache import ModelCache

NAMES = ModelNames("closecast-panel")
OWN = NAMES.own("PETR4.SA")


def kept(folder: Path) -> list[tuple[str, str]]:
    return [(loaded.name, loaded.model.version) for loaded in ModelCache(folder, NAMES).last_good()]


def test_the_latest_version_of_each_model_is_kept(tmp_path: Path) -> None:
    cache = ModelCache(tmp_path / "cache", NAMES)
    for version in ("1", "2"):
        cache.keep(NAMES.panel, version, write_version(tmp_path / f"panel{version}"))
    cache.keep(OWN, "5", write_version(tmp_path / "own", universe=("PETR4.SA",)))

    assert kept(tmp_path / "cache") == [(NAMES.panel, "2"), (OWN, "5")]

    cache.forget(OWN)

    assert kept(tmp_path / "cache") == [(NAMES.panel, "2")]


def test_of_two_versions_that_a_crash_left_the_higher_speaks_if_it_is_whole(tmp_path: Path) -> None:
    for version in ("9", "10"):
        write_version(tmp_path / NAMES.panel / version)
    (tmp_path / NAMES.panel / "11").mkdir()

    assert kept(tmp_path) == [(NAMES.panel, "10")]


def test_all_but_the_models_that_have_champions_are_forgotten(tmp_path: Path) -> None:
    write_version(tmp_path / NAMES.panel / "1")
    write_version(tmp_path / OWN / "2", universe=("PETR4.SA",))
    write_version(tmp_path / "another-panel" / "1")

    ModelCache(tmp_path, NAMES).forget_all_but({NAMES.panel})

    assert kept(tmp_path) == [(NAMES.panel, "1")]
    assert {folder.name for folder in tmp_path.iterdir()} == {NAMES.panel, "another-panel"}


def test_what_is_no_version_of_these_models_is_left_alone(tmp_path: Path) -> None:
    damaged = write_version(tmp_path / NAMES.panel / "7")
    (damaged / ONNX_FILE).write_bytes(b"damaged")
    write_version(tmp_path / OWN / "3", universe=("VALE3.SA",))
    write_version(tmp_path / "another-panel" / "1")

    assert kept(tmp_path) == []
    assert kept(tmp_path / "nowhere") == []
