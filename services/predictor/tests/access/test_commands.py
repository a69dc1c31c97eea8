"""`closecast-predictor keys new` and `hash-password`, run as a person runs them."""

import re
import subprocess

import pytest
from services.predictor.tests.access.doors import ASK, PHRASE, auth, bearer, guarded
from services.predictor.tests.test_main import COMMAND

from closecast_local.commands import environment
from closecast_predictor.access.authenticator import Authenticator
from closecast_predictor.access.guard import Guard
from closecast_predictor.api.serving import Serving


def run(*arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments],
        env=environment(),
        input=typed,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_a_new_key_opens_with_the_line_that_came_with_it(serving: Serving) -> None:
    made = run("keys", "new", "--name", "ci", "--scopes", "predict,train")

    key = made.stdout.strip()
    line = made.stderr.splitlines()[-1]
    assert re.fullmatch(r"closecast_[\w-]{43}", key)
    assert re.fullmatch(r"ci:predict,train:[0-9a-f]{64}", line)
    assert key not in made.stderr
    with guarded(serving, Guard(Authenticator(auth(keys=line)))) as client:
        assert client.post("/predict", json=ASK, headers=bearer(key)).status_code == 200
        assert client.post("/train", json={}, headers=bearer(key)).status_code == 202


def test_a_hashed_password_logs_in(serving: Serving) -> None:
    made = run("hash-password", "ana", "--scopes", "admin", typed=f"{PHRASE}\n")

    assert made.stdout.startswith("ana:admin,predict,train:$argon2id$v=19$m=65536,t=3,p=4$")
    assert PHRASE not in made.stdout + made.stderr
    with guarded(serving, Guard(Authenticator(auth(users=made.stdout)))) as client:
        answer = client.post("/login", data={"username": "ana", "password": PHRASE})
    assert answer.json()["scope"] == "admin predict train"


@pytest.mark.parametrize(
    ("arguments", "typed", "told"),
    [
        (("keys",), "", "required: action"),
        (("keys", "new", "--scopes", "predict,fly"), "", "'fly' is no scope"),
        (("keys", "new", "--name", "a b"), "", "a name has"),
        (("hash-password",), "", "required: name"),
        (("hash-password", "ana"), "short\n", "12 characters"),
    ],
)
def test_wrong_usage_is_told(arguments: tuple[str, ...], typed: str, told: str) -> None:
    ended = run(*arguments, typed=typed)

    assert ended.returncode == 2
    assert told in ended.stderr.splitlines()[-1]
    assert ended.stdout == ""
