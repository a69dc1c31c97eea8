import queue
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from services.predictor.tests.registry import promote, settings_of
from services.predictor.tests.support import quotes_of, write_version

from closecast.forecasting.panel import Panel
from closecast.forecasting.spec import ONNX_FILE
from closecast.horizons import MEDIAN
from closecast.mlflow_settings import MlflowSettings
from closecast_predictor.champion import ChampionLoader, LoadedModel, ModelCache

PANEL = Panel.from_quotes(quotes_of("PETR4.SA"))
WAIT_S = 30.0


class Loading:
    """A running loader, with what it has handed over."""

    def __init__(self, settings: MlflowSettings, cache: ModelCache) -> None:
        self.loaded: queue.Queue[LoadedModel] = queue.Queue()
        self.settled: queue.Queue[bool] = queue.Queue()
        self.loader = ChampionLoader(settings, cache, self.loaded.put, lambda: self.settled.put(item=True))

    def next(self) -> LoadedModel:
        return self.loaded.get(timeout=WAIT_S)


@contextmanager
def loading(settings: MlflowSettings, folder: Path) -> Iterator[Loading]:
    running = Loading(settings, ModelCache(folder, settings.model))
    running.loader.start()
    running.settled.get(timeout=WAIT_S)
    try:
        yield running
    finally:
        running.loader.stop()


def median(model: LoadedModel) -> float:
    return float(model.model.forecaster.forecast(PANEL)[0, 0, MEDIAN])


def test_the_champion_is_loaded_at_the_start(mlflow_server_uri: str, tmp_path: Path) -> None:
    settings = settings_of(mlflow_server_uri)
    event = promote(settings, tmp_path / "version")

    with loading(settings, tmp_path / "cache") as running:
        champion = running.next()

    assert (champion.model.name, champion.model.version) == (settings.model, event.version)
    assert median(champion) > PANEL.last_close[0]


def test_without_a_champion_nothing_is_loaded(mlflow_server_uri: str, tmp_path: Path) -> None:
    with loading(settings_of(mlflow_server_uri), tmp_path / "cache") as running:
        assert running.loaded.empty()


def test_a_promotion_is_loaded_while_it_runs(mlflow_server_uri: str, tmp_path: Path) -> None:
    settings = settings_of(mlflow_server_uri)
    with loading(settings, tmp_path / "cache") as running:
        for shift in (0.1, -0.1):
            event = promote(settings, tmp_path / f"version{shift}", shift=shift)
            assert event.version is not None
            assert event.run_id is not None
            running.loader.promoted(event.version, event.run_id)

            champion = running.next()

            assert champion.model.version == event.version
            assert bool(median(champion) > PANEL.last_close[0]) is (shift > 0)


def test_an_unusable_version_is_not_handed_over(mlflow_server_uri: str, tmp_path: Path) -> None:
    settings = settings_of(mlflow_server_uri)
    good = promote(settings, tmp_path / "good")
    with loading(settings, tmp_path / "cache") as running:
        assert running.next().model.version == good.version
        damaged = write_version(tmp_path / "damaged")
        (damaged / ONNX_FILE).write_bytes(b"damaged")
        bad = promote_as_it_is(settings, damaged)
        running.loader.promoted(*bad)
        repaired = promote(settings, tmp_path / "repaired")
        assert repaired.version is not None
        assert repaired.run_id is not None
        running.loader.promoted(repaired.version, repaired.run_id)

        assert running.next().model.version == repaired.version


def promote_as_it_is(settings: MlflowSettings, folder: Path) -> tuple[str, str]:
    from mlflow import MlflowClient

    client = MlflowClient(settings.tracking_uri)
    experiment = client.get_experiment_by_name(settings.experiment)
    run_id = client.create_run(experiment.experiment_id).info.run_id
    client.log_artifacts(run_id, str(folder), "model")
    version = client.create_model_version(settings.model, f"runs:/{run_id}/model", run_id).version
    return str(version), run_id


def test_while_mlflow_is_down_the_last_good_version_speaks(tmp_path: Path) -> None:
    settings = MlflowSettings(tracking_uri="http://127.0.0.1:9", timeout_s=1)
    write_version(tmp_path / "cache" / settings.model / "7")

    with loading(settings, tmp_path / "cache") as running:
        assert running.next().model.version == "7"


def test_a_damaged_cache_is_no_version(tmp_path: Path) -> None:
    folder = write_version(tmp_path / "cache" / "closecast-panel" / "7")
    (folder / ONNX_FILE).write_bytes(b"damaged")

    assert ModelCache(tmp_path / "cache", "closecast-panel").last_good() is None


def test_the_cache_keeps_the_latest_version_only(tmp_path: Path) -> None:
    cache = ModelCache(tmp_path / "cache", "closecast-panel")
    for version in ("1", "2"):
        cache.keep(version, write_version(tmp_path / f"download{version}"))

    kept = cache.last_good()

    assert kept is not None
    assert kept.model.version == "2"
    assert [folder.name for folder in (tmp_path / "cache" / "closecast-panel").iterdir()] == ["2"]
    shutil.rmtree(tmp_path / "cache")


@pytest.mark.parametrize(("version", "run_id"), [("../../etc", "a" * 32), ("1", "../../etc"), ("", ""), ("1", "")])
def test_a_promotion_that_names_no_version_of_mlflow_is_refused(version: str, run_id: str, tmp_path: Path) -> None:
    running = Loading(MlflowSettings(), ModelCache(tmp_path, "closecast-panel"))

    with pytest.raises(ValueError, match="is none of MLflow's"):
        running.loader.promoted(version, run_id)
