import signal
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from closecast_local.__main__ import main
from closecast_local.settings import DemoSettings


@pytest.mark.parametrize(("arguments", "status"), [(["--help"], 0), ([], 2), (["demon"], 2)])
def test_usage_names_the_commands(arguments: list[str], status: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == status
    told = capsys.readouterr()
    assert "demo " in told.out + told.err
    assert "stop " in told.out + told.err
    assert "backtest" in told.out + told.err
    assert "tune " in told.out + told.err


def test_help_of_the_demo_tells_every_flag(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["demo", "--help"])
    text = capsys.readouterr().out
    assert all(f"--{name.replace('_', '-')}" in text for name in DemoSettings.model_fields)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["demo", "--port", "0"], "port: "),
        (["demo", "--symbols", "../../etc"], "symbols"),
        (["demo", "--csv", "nowhere"], "csv: "),
    ],
)
def test_a_wrong_flag_is_told_in_one_line(arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(arguments)
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("closecast demo: ")
    assert told in line


def test_an_unknown_setting_is_refused(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("CLOSECAST_LOCAL_BROKER_PROT", "1")
    with pytest.raises(SystemExit, match="2"):
        main(["demo"])
    assert "did you mean CLOSECAST_LOCAL_BROKER_PORT?" in capsys.readouterr().err


def test_a_fault_is_one_line_and_status_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert main(["demo", "--state-dir", str(tmp_path), "--port", str(port)]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"closecast: port {port} is in use")


def test_stop_without_a_demo_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["stop", "--state-dir", str(tmp_path)]) == 0
    assert capsys.readouterr().out == "no demo runs here\n"


@pytest.mark.parametrize(
    ("options", "status", "told"),
    [
        (["backtest", "--help"], 0, "usage: closecast backtest"),
        (["backtest", "--data", "nowhere", "--start", "2024-01-02", "--out", "rows.parquet"], 2, "backtest: data: "),
        (["tune", "--help"], 0, "usage: closecast tune"),
        (["tune", "--data", "nowhere", "--out", "tuning"], 2, "closecast tune: data: "),
    ],
)
def test_a_command_of_its_own_gets_its_options_and_gives_its_status(options: list[str], status: int, told: str) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "closecast_local", *options], capture_output=True, text=True, check=False
    )

    assert ran.returncode == status
    assert told in ran.stdout + ran.stderr


def test_ctrl_c_reaches_the_backtest(tmp_path: Path) -> None:
    days = np.datetime64("2019-01-01") + np.arange(2000)
    lines = [f"{day},{10 + number % 7}" for number, day in enumerate(days)]
    (tmp_path / "AAPL.csv").write_text("\n".join(["Date,Close", *lines]) + "\n")
    needed = ["--data", str(tmp_path), "--start", "2023-01-03", "--out", str(tmp_path / "rows.parquet")]
    with subprocess.Popen(
        [sys.executable, "-m", "closecast_local", "backtest", *needed], stderr=subprocess.PIPE, text=True
    ) as running:
        assert running.stderr is not None
        first = next(line for line in running.stderr if "fold 1 of 1: training" in line)
        running.send_signal(signal.SIGINT)
        rest = running.stderr.read()

    assert first
    assert rest.endswith("closecast backtest: stopped\n")
    assert running.returncode == 130
    assert not (tmp_path / "rows.parquet").exists()
