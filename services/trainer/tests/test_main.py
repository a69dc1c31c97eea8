"""The command ``closecast-trainer`` as its user meets it."""

import os
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from closecast.ports import free_ports


def run(*flags: str, cwd: Path, environment: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "closecast_trainer", *flags],
        env=os.environ | (environment or {}),
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_a_gpu_that_is_not_there_is_one_clear_line(tmp_path: Path) -> None:
    ended = run("--device", "cuda", cwd=tmp_path, environment={"CUDA_VISIBLE_DEVICES": ""})
    assert ended.returncode == 2
    assert ended.stderr == "closecast-trainer: device: cuda was asked for, this machine has none; use auto or cpu\n"


def test_a_setting_that_nobody_reads_is_one_clear_line(tmp_path: Path) -> None:
    ended = run(cwd=tmp_path, environment={"CLOSECAST_TRAINER_DEVISE": "cpu"})
    assert ended.returncode == 2
    assert "did you mean CLOSECAST_TRAINER_DEVICE?" in ended.stderr
    assert ended.stderr.count("\n") == 1


def test_a_port_in_use_is_one_clear_line(tmp_path: Path) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        ended = run(f"--metrics.port={holder.getsockname()[1]}", "--metrics.host=127.0.0.1", cwd=tmp_path)
    assert ended.returncode == 2
    assert "CLOSECAST_METRICS_PORT" in ended.stderr
    assert ended.stderr.count("\n") == 1


def test_a_broker_that_is_not_there_ends_the_trainer_with_one_clear_error(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    ended = run(
        f"--kafka.bootstrap-servers=127.0.0.1:{port}",
        "--kafka.connect-timeout-s=1",
        "--metrics.port=0",
        cwd=tmp_path,
    )
    assert ended.returncode == 1
    (error,) = [line for line in ended.stderr.splitlines() if '"the trainer stops"' in line]
    assert f"no Kafka broker answers at 127.0.0.1:{port}" in error
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_help_ends_well(tmp_path: Path, flag: str) -> None:
    ended = run(flag, cwd=tmp_path)
    assert ended.returncode == 0
    assert "usage: closecast-trainer" in ended.stdout
