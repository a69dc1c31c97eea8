import pytest
from pydantic import Field
from pydantic_settings import SettingsError

from closecast.kafka import KafkaSettings
from closecast.settings import ServiceSettings, environment_keys, load_or_exit, service_config


class Example(ServiceSettings):
    """Trains examples."""

    model_config = service_config("TRAINER", "closecast-example")

    kafka: KafkaSettings = Field(default_factory=KafkaSettings)
    epochs: int = Field(default=3, ge=1, description="How often.")


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for key in environment_keys(Example):
        monkeypatch.delenv(key, raising=False)


def test_flags_win_over_the_environment_and_the_environment_over_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Example.load().epochs == 3
    monkeypatch.setenv("CLOSECAST_TRAINER_EPOCHS", "4")
    monkeypatch.setenv("CLOSECAST_KAFKA_BOOTSTRAP_SERVERS", "kafka:9092")
    assert Example.load().epochs == 4
    loaded = Example.load(["--epochs", "5", "--kafka.topic-prefix", "mine."])
    assert (loaded.epochs, loaded.kafka.topic_prefix, loaded.kafka.bootstrap_servers) == (5, "mine.", "kafka:9092")


@pytest.mark.parametrize(
    ("key", "suggestion"),
    [
        ("CLOSECAST_TRAINER_EPOCH", "CLOSECAST_TRAINER_EPOCHS"),
        ("CLOSECAST_KAFKA_BOOTSTRAP_SERVER", "CLOSECAST_KAFKA_BOOTSTRAP_SERVERS"),
    ],
)
def test_an_unknown_key_is_refused_with_the_nearest(monkeypatch: pytest.MonkeyPatch, key: str, suggestion: str) -> None:
    monkeypatch.setenv(key, "1")
    with pytest.raises(SettingsError, match=f"{key} in the environment; did you mean {suggestion}"):
        Example.load()


def test_keys_of_other_services_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLOSECAST_INGESTOR_SOURCE", "csv")
    monkeypatch.setenv("CLOSECAST_MLFLOW_TRACKING_URI", "http://localhost:5000")
    assert Example.load().epochs == 3


def test_a_value_that_does_not_fit_ends_the_process_with_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CLOSECAST_TRAINER_EPOCHS", "many")
    with pytest.raises(SystemExit) as exit_:
        load_or_exit(Example, [])
    error = capsys.readouterr().err
    assert exit_.value.code == 2
    assert error.startswith("closecast-example: epochs: ")
    assert error.count("\n") == 1


def test_help_describes_every_flag(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        Example.load(["--help"])
    shown = capsys.readouterr().out
    assert "Trains examples." in shown
    assert "--epochs" in shown
    assert "How often." in shown
    assert "--kafka.bootstrap-servers" in shown


def test_half_given_credentials_are_refused() -> None:
    with pytest.raises(ValueError, match="sasl_username"):
        KafkaSettings(security_protocol="SASL_SSL", sasl_mechanism="PLAIN")
    with pytest.raises(ValueError, match="ssl_keyfile needs ssl_certfile"):
        KafkaSettings(security_protocol="SSL", ssl_keyfile="tls.key")
