import pytest
from pydantic_settings import SettingsError

from closecast_predictor.settings import PredictorSettings


def test_defaults_listen_on_this_machine_only() -> None:
    settings = PredictorSettings.load()

    assert (settings.host, settings.port) == ("127.0.0.1", 8000)


def test_environment_and_flags(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLOSECAST_PREDICTOR_PORT", "8100")
    monkeypatch.setenv("CLOSECAST_PREDICTOR_MAX_REPLICAS", "4")
    monkeypatch.setenv("CLOSECAST_KAFKA_BOOTSTRAP_SERVERS", "kafka:9092")

    settings = PredictorSettings.load(["--port", "8200", "--mlflow.tracking-uri", "http://mlflow:5000"])

    assert (settings.port, settings.max_replicas) == (8200, 4)
    assert settings.kafka.bootstrap_servers == "kafka:9092"
    assert settings.mlflow.tracking_uri == "http://mlflow:5000"


def test_when_forecasts_drift_is_set_by_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLOSECAST_PREDICTOR_DRIFT_SESSIONS", "40")
    monkeypatch.setenv("CLOSECAST_PREDICTOR_DRIFT_REQUEST_TRAINING", "false")

    settings = PredictorSettings.load(["--drift.error-margin", "0.2"])

    assert (settings.drift.sessions, settings.drift.error_margin, settings.drift.request_training) == (40, 0.2, False)


def test_an_unknown_key_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLOSECAST_PREDICTOR_PROT", "8100")

    with pytest.raises(SettingsError, match="CLOSECAST_PREDICTOR_PORT"):
        PredictorSettings.load()


def test_bounds_name_the_field(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLOSECAST_PREDICTOR_MIN_REPLICAS", "5")

    with pytest.raises(SettingsError, match="min_replicas: 5 is more than max_replicas 2"):
        PredictorSettings.load()
