import socket
import subprocess
import sys

import pytest

from closecast_local.commands import environment

COMMAND = (sys.executable, "-m", "closecast_predictor")


def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments], env=environment(**variables), capture_output=True, text=True, timeout=120, check=False
    )


@pytest.mark.parametrize("setting", ["CLOSECAST_PREDICTOR_PORT", "CLOSECAST_METRICS_PORT"])
def test_a_busy_port_is_one_clear_line(setting: str) -> None:
    with socket.socket() as holder:
        holder.bind(("0.0.0.0", 0))  # noqa: S104 - whichever address the predictor tries
        holder.listen()
        port = str(holder.getsockname()[1])

        ended = run(**({"CLOSECAST_METRICS_PORT": "0"} | {setting: port}))

    assert ended.returncode == 1
    (line,) = ended.stderr.splitlines()
    assert line.startswith(f"closecast-predictor: port {port} on ")
    assert setting in line


def test_an_unknown_setting_is_one_clear_line() -> None:
    ended = run(CLOSECAST_PREDICTOR_PROT="1")

    assert ended.returncode == 2
    (line,) = ended.stderr.splitlines()
    assert "CLOSECAST_PREDICTOR_PROT" in line


def test_help_tells_every_setting() -> None:
    ended = run("--help")

    assert ended.returncode == 0
    for flag in ("--port", "--max-replicas", "--kafka.bootstrap-servers", "--mlflow.tracking-uri", "--metrics.port"):
        assert flag in ended.stdout
