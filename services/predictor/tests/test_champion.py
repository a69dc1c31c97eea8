import queue
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mlflow import MlflowClient
from services.predictor.tests.registry import promote, register, settings_of
from services.predictor.tests.support import quotes_of, write_version

from closecast.forecasting.panel import Panel
from closecast.forecasting.spec import ONNX_FILE
from closecast.horizons import MEDIAN
from closecast.mlflow_settings import CHAMPION, MlflowSettings
from closecast_predictor.cache import LoadedModel, ModelCache
from closecast_predictor.champion import ChampionLoader, Change, Retired

PANEL = Panel.from_quotes(quotes_of("PETR4.SA"))
WAIT_S = 30.0


class Loading:
    """A running loader, with what it has handed over."""

    def __init__(self, settings: MlflowSettings, folder: Path) -> None:
        self.changes: queue.Queue[Change] = queue.Queue()
        self.settled: queue.Queue[bool] = queue.Queue()
        cache = ModelCache(folder, settings.names)
        self.loader = ChampionLoader(settings, cache, self.changes.put, lambda: self.settled.put(item=True))

    def next(self) -> Change:
        return self.changes.get(timeout=WAIT_S)

    def next_model(self) -> LoadedModel:
        change = self.next()
        assert isinstance(change, LoadedModel)
        return change


@contextmanager
def loading(settings: MlflowSettings, folder: Path) -> Iterator[Loading]:
    running = Loading(settings, folder)
    running.loader.start()
    running.settled.get(timeout=WAIT_S)
    try:
        yield running
    finally:
        running.loader.stop()


def median(loaded: LoadedModel) -> float:
    return float(loaded.model.forecaster.forecast(PANEL)[0, 0, MEDIAN])


def make_champion(settings: MlflowSettings, model: str, version: str | None) -> None:
    MlflowClient(settings.tracking_uri).set_registered_model_alias(model, CHAMPION, version)


def test_all_champions_are_loaded_at_the_start_the_panels_first(mlflow_server_uri: str, tmp_path: Path) -> None:
    settings = settings_of(mlflow_server_uri)
    own = promote(settings, tmp_path / "own", symbol="PETR4.SA", shift=-0.1)
    panel = promote(settings, tmp_path / "panel")
    register(settings, write_version(tmp_path / "rejected", universe=("AAPL",)), settings.names.own("AAPL"))

    with loading(settings, tmp_path / "cache") as running:
        loaded = [running.next_model(), running.next_model()]

        assert [(one.name, one.model.version) for one in loaded] == [
            (settings.model, panel.version),
            (own.model, own.version),
        ]
        assert median(loaded[1]) < PANEL.last_close[0] < median(loaded[0])
        assert running.changes.empty()


def test_without_a_champion_nothing_is_loaded(mlflow_server_uri: str, tmp_path: Path) -> None:
    with loading(settings_of(mlflow_server_uri), tmp_path / "cache") as running:
        assert running.changes.empty()


def test_a_promotion_is_loaded_while_it_runs(mlflow_server_uri: str, tmp_path: Path) -> None:
    settings = settings_of(mlflow_server_uri)
    with loading(settings, tmp_path / "cache") as running:
        for shift in (0.1, -0.1):
            event = promote(settings, tmp_path / f"version{shift}", shift=shift)
            running.loader.look(settings.model)

            champion = running.next_model()

            assert champion.model.version == event.version
            assert bool(median(champion) > PANEL.last_close[0]) is (shift > 0)


def test_the_alias_counts_and_not_what_called_for_the_look(mlflow_server_uri: str, tmp_path: Path) -> None:
    settings = settings_of(mlflow_server_uri)
    first = promote(settings, tmp_path / "first")
    with loading(settings, tmp_path / "cache") as running:
        assert running.next_model().model.version == first.version
        second = promote(settings, tmp_path / "second")
        make_champion(settings, settings.model, first.version)
        for name in (settings.model, "another-model", "../../etc"):
            running.loader.look(name)
        make_champion(settings, settings.model, second.version)
        running.loader.look(settings.model)

        assert running.next_model().model.version == second.version


def test_a_champion_that_is_none_any_more_is_retired(mlflow_server_uri: str, tmp_path: Path) -> None:
    settings = settings_of(mlflow_server_uri)
    own = promote(settings, tmp_path / "own", symbol="PETR4.SA")
    with loading(settings, tmp_path / "cache") as running:
        running.next_model()
        MlflowClient(settings.tracking_uri).delete_registered_model_alias(own.model, CHAMPION)
        running.loader.look()

        assert running.next() == Retired(own.model)
    assert not list(ModelCache(tmp_path / "cache", settings.names).last_good())


def test_a_version_that_cannot_be_served_keeps_none_of_the_others_waiting(
    mlflow_server_uri: str, tmp_path: Path
) -> None:
    settings = settings_of(mlflow_server_uri)
    good = promote(settings, tmp_path / "good")
    with loading(settings, tmp_path / "cache") as running:
        assert running.next_model().model.version == good.version
        damaged = write_version(tmp_path / "damaged")
        (damaged / ONNX_FILE).write_bytes(b"damaged")
        make_champion(settings, settings.model, register(settings, damaged, settings.model).version)
        anothers = settings.names.own("VALE3.SA")
        make_champion(settings, anothers, register(settings, write_version(tmp_path / "others"), anothers).version)
        own = promote(settings, tmp_path / "own", symbol="PETR4.SA")
        running.loader.look()

        assert running.next_model().name == own.model
        repaired = promote(settings, tmp_path / "repaired")
        running.loader.look(settings.model)
        assert running.next_model().model.version == repaired.version


def test_while_mlflow_is_down_the_last_good_versions_speak(tmp_path: Path) -> None:
    settings = MlflowSettings(tracking_uri="http://127.0.0.1:9", timeout_s=1)
    own = settings.names.own("PETR4.SA")
    write_version(tmp_path / "cache" / settings.model / "7")
    write_version(tmp_path / "cache" / own / "2", universe=("PETR4.SA",))

    with loading(settings, tmp_path / "cache") as running:
        assert [(one.name, one.model.version) for one in (running.next_model(), running.next_model())] == [
            (settings.model, "7"),
            (own, "2"),
        ]
