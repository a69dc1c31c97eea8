from pathlib import Path

import pytest
from packages.backtest.tests.folders import write_folder

from closecast_backtest.__main__ import main
from closecast_backtest.peers import PEERS
from closecast_backtest.settings import BacktestSettings


@pytest.fixture
def needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the options that have no default, as they fit the folder that the test works in."""
    monkeypatch.chdir(tmp_path)
    write_folder(tmp_path / "quotes", symbols=1)
    (tmp_path / "folder.parquet").mkdir()
    return ["--data", "quotes", "--start", "2020-06-01", "--out", "rows.parquet"]


def test_a_command_line_is_read(needed: list[str]) -> None:
    given = ["--symbols", "petr4,AAPL", "--peers", "garch,ewma", "--refit", "20", "--epochs", "3", "--seed", "7"]

    settings = BacktestSettings.load([*needed, *given, "--per-symbol"])

    assert settings.symbols == ("PETR4.SA", "AAPL")
    assert settings.peers == ("garch", "ewma")
    assert (settings.step, settings.horizon, settings.refit, settings.per_symbol) == (5, 10, 20, True)
    assert (settings.training.epochs, settings.training.seed) == (3, 7)


def test_all_peers_are_those_that_there_are(needed: list[str]) -> None:
    assert BacktestSettings.load([*needed, "--peers", "all"]).peers == tuple(PEERS)


def test_help_tells_every_option(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["--help"])
    text = capsys.readouterr().out
    assert all(f"--{name.replace('_', '-')}" in text for name in BacktestSettings.model_fields)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--data", "nowhere"], "data: Value error, nowhere is no folder"),
        (["--data", "."], "data: Value error, . holds no SYMBOL.csv files"),
        (["--start", "01/06/2020"], "start: "),
        (["--out", "rows.csv"], "out: Value error, rows.csv is no .parquet file"),
        (["--out", "nowhere/rows.parquet"], "out: Value error, nowhere is no folder"),
        (["--out", "folder.parquet"], "out: Value error, folder.parquet is a folder"),
        (["--step", "0"], "step: "),
        (["--horizon", "11"], "horizon: "),
        (["--horizon", "0"], "horizon: "),
        (["--refit", "12"], "refit: 12 is no multiple of step 5"),
        (["--refit", "0"], "refit: "),
        (["--symbols", "../../etc"], "symbols"),
        (["--peers", "ewma,prophet"], "peers: Value error, no such peer: prophet; there are ewma, base, garch"),
        (["--epochs", "0"], "epochs: "),
        (["--device", "tpu"], "device: "),
    ],
)
def test_a_wrong_option_is_told_in_one_line_before_any_work(
    needed: list[str], options: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main([*needed, *options])

    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("closecast backtest: ")
    assert told in line


def test_a_peer_whose_package_is_missing_is_told(
    needed: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("closecast_backtest.peers.find_spec", lambda _: None)

    with pytest.raises(SystemExit, match="2"):
        main([*needed, "--peers", "lstm,nhits"])

    assert "peers: Value error, neuralforecast is not installed; the extra" in capsys.readouterr().err
