"""Settings of access control."""

from pathlib import Path

import pytest
from pydantic_settings import SettingsError
from services.predictor.tests.access.doors import AUDIENCE, ISSUER, auth, key_with
from structlog.testing import capture_logs

from closecast_predictor.access.permissions import Permission
from closecast_predictor.access.setup import guard_of, warn_if_open
from closecast_predictor.app import build
from closecast_predictor.settings import PredictorSettings

KEY, LINE = key_with(Permission.PREDICT)


def load(monkeypatch: pytest.MonkeyPatch, **variables: str) -> PredictorSettings:
    for name, value in variables.items():
        monkeypatch.setenv(f"CLOSECAST_{name}", value)
    return PredictorSettings.load()


def test_access_control_is_off_by_default() -> None:
    settings = PredictorSettings.load()

    assert not settings.auth.on
    assert guard_of(settings) is None


@pytest.mark.parametrize(
    "variables",
    [
        {"AUTH_KEYS": LINE},
        {"AUTH_KEYS": ""},
        {"AUTH_USERS": "ana:predict:$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaA"},
        {"AUTH_JWKS": "https://issuer.example/jwks.json", "AUTH_ISSUER": ISSUER, "AUTH_AUDIENCE": AUDIENCE},
    ],
)
def test_it_is_on_as_soon_as_something_is_given(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]) -> None:
    settings = load(monkeypatch, **variables)
    shared = settings.model_copy(update={"auth": settings.auth.ready_to_share()})

    guard = guard_of(shared)
    assert guard is not None
    assert guard.authenticator is not None


def test_limits_need_no_access_control(monkeypatch: pytest.MonkeyPatch) -> None:
    guard = guard_of(load(monkeypatch, PREDICTOR_RATE_LIMIT="600/minute"))

    assert guard is not None
    assert guard.authenticator is None


def test_a_file_without_keys_lets_nobody_in(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("# nobody yet\n")

    assert auth(keys_file=tmp_path / "keys").on


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({"AUTH_KEYS": "ci"}, "auth.*keys: line 1"),
        ({"AUTH_KEYS": f"{LINE};ci:predict:abc"}, "keys: line 2"),
        ({"AUTH_KEYS": f"{LINE};{LINE}"}, "keys: line 2: the name test is there twice"),
        ({"AUTH_KEYS": LINE.replace("predict", "predictions")}, "'predictions' is no scope: predict, train, admin are"),
        ({"AUTH_KEYS": LINE.replace("test", "a test")}, "a name has"),
        ({"AUTH_KEYS": f"ci:predict:{KEY}"}, "SHA-256"),
        ({"AUTH_USERS": LINE}, "users: line 1: after NAME:SCOPES: comes an argon2 hash"),
        ({"AUTH_KEYS_FILE": "/nowhere/keys"}, "keys_file: /nowhere/keys cannot be read"),
        ({"AUTH_SIGNING_KEY": "short"}, "signing_key"),
        ({"AUTH_JWKS": "https://issuer.example/jwks.json"}, "issuer: needed with jwks"),
        ({"AUTH_JWKS": "https://issuer.example/jwks.json", "AUTH_ISSUER": ISSUER}, "audience: needed with jwks"),
        (
            {"AUTH_JWKS": "ftp://issuer/jwks", "AUTH_ISSUER": ISSUER, "AUTH_AUDIENCE": AUDIENCE},
            "jwks: ftp://issuer/jwks",
        ),
        ({"AUTH_ALGORITHMS": "none"}, "algorithms"),
        ({"AUTH_ALGORITHMS": "RS256,HS256"}, "algorithms"),
        ({"AUTH_ALGORITHMS": ""}, "algorithms"),
        ({"AUTH_KEY": LINE}, "did you mean CLOSECAST_AUTH_KEYS"),
        ({"PREDICTOR_RATE_LIMIT": "often"}, "rate_limit"),
        ({"PREDICTOR_ORIGINS": "https://a.example/path"}, "origins: .*no origin"),
        ({"PREDICTOR_ORIGINS": "a.example"}, "origins: .*no origin"),
        ({"PREDICTOR_PROXIES": "-1"}, "proxies"),
    ],
)
def test_what_does_not_fit_is_told_by_name(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], told: str
) -> None:
    with pytest.raises(SettingsError, match=told) as error:
        load(monkeypatch, **variables)

    assert KEY not in str(error.value), "what looks like a secret is never repeated"


@pytest.mark.parametrize(
    ("host", "keys", "warnings"),
    [
        ("127.0.0.1", None, 0),
        ("localhost", None, 0),
        ("::1", None, 0),
        ("0.0.0.0", None, 1),  # noqa: S104 - what is warned of
        ("192.168.1.7", None, 1),
        ("desk.example", None, 1),
        ("0.0.0.0", LINE, 0),  # noqa: S104
    ],
)
def test_an_open_address_without_access_control_is_warned_of(
    monkeypatch: pytest.MonkeyPatch, host: str, keys: str | None, warnings: int
) -> None:
    settings = load(monkeypatch, **({} if keys is None else {"AUTH_KEYS": keys}))

    with capture_logs() as logs:
        warn_if_open(settings, host)

    assert [log["log_level"] for log in logs] == ["warning"] * warnings
    assert all(log["host"] == host for log in logs)


def test_a_serve_configuration_is_warned_of_too(monkeypatch: pytest.MonkeyPatch) -> None:
    with capture_logs() as logs:
        build({})
        monkeypatch.setenv("CLOSECAST_AUTH_KEYS", LINE)
        build({})

    assert [log["log_level"] for log in logs] == ["warning"]


def test_the_signing_key_of_the_settings_is_kept() -> None:
    assert auth(keys=LINE).signing_key is None
    users = "ana:predict:$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaA"
    made, other = auth(users=users).signing_key, auth(users=users).signing_key
    given = auth(users=users, signing_key="k" * 32).signing_key

    assert made is not None
    assert other is not None
    assert given is not None
    assert made.get_secret_value() != other.get_secret_value()
    assert given.get_secret_value() == "k" * 32
