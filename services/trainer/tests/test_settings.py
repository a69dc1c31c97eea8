import pytest
from pydantic_settings import SettingsError

from closecast_trainer.settings import TrainerSettings


def test_flags_come_before_the_environment_and_the_environment_before_defaults(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CLOSECAST_TRAINER_TRAINING_EPOCHS", "7")
    monkeypatch.setenv("CLOSECAST_TRAINER_POLICY_QUIET_S", "9")
    monkeypatch.setenv("CLOSECAST_MLFLOW_MODEL", "other")
    settings = TrainerSettings.load(["--policy.quiet-s", "5", "--device", "cpu"])
    assert settings.training.epochs == 7
    assert settings.policy.quiet_s == 5
    assert settings.mlflow.model == "other"
    assert settings.device == "cpu"
    assert settings.policy.retrain_after_sessions == 21


@pytest.mark.parametrize(
    ("key", "hint"),
    [
        ("CLOSECAST_TRAINER_TRAINING_EPOCH", "CLOSECAST_TRAINER_TRAINING_EPOCHS"),
        ("CLOSECAST_TRAINER_GATE_TOLERANC", "CLOSECAST_TRAINER_GATE_TOLERANCE"),
    ],
)
def test_an_unknown_key_is_refused_with_the_nearest_one(monkeypatch: pytest.MonkeyPatch, key: str, hint: str) -> None:
    monkeypatch.setenv(key, "1")
    with pytest.raises(SettingsError, match=f"unknown setting {key} .*{hint}"):
        TrainerSettings.load()


@pytest.mark.parametrize(
    ("flag", "value"),
    [("--training.epochs", "0"), ("--device", "tpu"), ("--mlflow.model", "../x"), ("--group.session-timeout-s", "1")],
)
def test_a_value_out_of_bounds_is_refused_by_name(flag: str, value: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises((SettingsError, SystemExit)) as refused:
        TrainerSettings.load([flag, value])
    told = str(refused.value) + capsys.readouterr().err
    assert flag.removeprefix("--").replace("-", "_").rpartition(".")[2] in told


def test_help_tells_what_the_trainer_does_and_names_every_group(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        TrainerSettings.load(["--help"])
    assert ended.value.code == 0
    text = capsys.readouterr().out
    for told in (
        "CLOSECAST_TRAINER_POLICY_QUIET_S",
        "--policy.retrain-after-sessions",
        "--kafka.",
        "--mlflow.",
        "--gate.",
    ):
        assert told in text
