import queue
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mlflow import MlflowClient
from prometheus_client import REGISTRY
from services.predictor.tests.registry import promote, register, settings_of
from services.predictor.tests.support import quotes_of, write_version

from closecast.forecasting.base import BaseForecaster
from closecast.forecasting.panel import Panel
from closecast.forecasting.spec import ONNX_FILE
from closecast.horizons import UPPER_80
from closecast.mlflow_settings import CHAMPION, MlflowSettings
from closecast_predictor.cache import LoadedModel, ModelCache
from closecast_predictor.champion import ChampionLoader, Change, Retired
from closecast_predictor.snapshot import Forecasts

PANEL = Panel.from_quotes(quotes_of("PETR4.SA"))
WAIT_S = 30.0


def stale() -> float | None:
    return REGISTRY.get_sample_value("closecast_predictor_model_stale")


def load_failures() -> float:
    return REGISTRY.get_sample_value("closecast_predictor_model_load_failures_total") or 0.0


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


def upper(forecaster: Forecasts) -> float:
    return float(forecaster.forecast(PANEL)[0, 0, UPPER_80])


def make_champion(settings: MlflowSettings, model: str, version: str | None) -> None:
    assert version is not None
    MlflowClient(settings.tracking_uri).set_registered_model_alias(model, CHAMPION, version)


def test_all_champions_are_loaded_at_the_start_the_panels_first(mlflow_server_uri: str, tmp_path: Path) -> None:
    settings = settings_of(mlflow_server_uri)
    own = promote(settings, tmp_path / "own", symbol="PETR4.SA", log_stretch=-0.1)
    panel = promote(settings, tmp_path / "panel")
    register(settings, write_version(tmp_path / "rejected", universe=("AAPL",)), settings.names.own("AAPL"))

    with loading(settings, tmp_path / "cache") as running:
        loaded = [running.next_model(), running.next_model()]

        assert [(one.name, one.model.version) for one in loaded] == [
            (settings.model, panel.version),
            (own.model, own.version),
        ]
        own_upper, panel_upper = (upper(one.model.forecaster) for one in reversed(loaded))
        assert own_upper < upper(BaseForecaster()) < panel_upper
        assert running.changes.empty()


def test_without_a_champion_nothing_is_loaded(mlflow_server_uri: str, tmp_path: Path) -> None:
    with loading(settings_of(mlflow_server_uri), tmp_path / "cache") as running:
        assert running.changes.empty()


def test_a_promotion_is_loaded_while_it_runs(mlflow_server_uri: str, tmp_path: Path) -> None:
    settings = settings_of(mlflow_server_uri)
    with loading(settings, tmp_path / "cache") as running:
        for log_stretch in (0.1, -0.1):
            event = promote(settings, tmp_path / f"version{log_stretch}", log_stretch=log_stretch)
            running.loader.look(settings.model)

            champion = running.next_model()

            assert champion.model.version == event.version
            assert (upper(champion.model.forecaster) > upper(BaseForecaster())) is (log_stretch > 0)


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


def test_a_foreign_model_of_a_name_like_ours_is_tried_once(mlflow_server_uri: str, tmp_path: Path) -> None:
    settings = settings_of(mlflow_server_uri)
    foreign = settings.names.own("V2")
    registered = register(settings, write_version(tmp_path / "foreign"), foreign)
    make_champion(settings, foreign, registered.version)
    by_hand = settings.names.own("EU")
    client = MlflowClient(mlflow_server_uri)
    client.create_registered_model(by_hand)
    make_champion(settings, by_hand, client.create_model_version(by_hand, "s3://models/nothing", run_id="").version)
    before = load_failures()

    with loading(settings, tmp_path / "cache") as running:
        assert load_failures() == before + 2
        for _ in range(2):
            running.loader.look()
            panel = promote(settings, tmp_path / "panel")
            running.loader.look(settings.model)
            assert running.next_model().model.version == panel.version

        assert load_failures() == before + 2
        assert stale() == 0
        own = promote(settings, tmp_path / "own", symbol="V2")
        running.loader.look()
        assert running.next_model().model.version == own.version != registered.version


def test_a_champion_of_the_panel_that_cannot_be_served_is_told_until_another_comes(
    mlflow_server_uri: str, tmp_path: Path
) -> None:
    settings = settings_of(mlflow_server_uri)
    good = promote(settings, tmp_path / "good")
    damaged = write_version(tmp_path / "damaged")
    (damaged / ONNX_FILE).write_bytes(b"damaged")
    write_version(tmp_path / "cache" / settings.model / "1")
    make_champion(settings, settings.model, register(settings, damaged, settings.model).version)

    with loading(settings, tmp_path / "cache") as running:
        assert running.next_model().model.version == good.version, "the last good one, from the cache"
        assert stale() == 1
        make_champion(settings, settings.model, good.version)
        running.loader.look(settings.model)
        promote(settings, tmp_path / "own", symbol="PETR4.SA")
        running.loader.look()
        running.next()

        assert stale() == 0


def test_a_model_that_was_retired_meanwhile_is_forgotten(mlflow_server_uri: str, tmp_path: Path) -> None:
    settings = settings_of(mlflow_server_uri)
    write_version(tmp_path / "cache" / settings.names.own("PETR4.SA") / "2", universe=("PETR4.SA",))

    with loading(settings, tmp_path / "cache") as running:
        assert running.changes.empty()
    assert not list(ModelCache(tmp_path / "cache", settings.names).last_good())


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
