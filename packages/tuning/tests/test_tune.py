"""The command as a whole: from a folder of quotes to the best settings."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from packages.backtest.tests.folders import DAYS, write_folder
from packages.tuning.tests.studies import options, table_of

from closecast_trainer.config import TrainingConfig
from closecast_trainer.settings import TrainingSettings
from closecast_tuning.__main__ import main
from closecast_tuning.settings import TuneSettings

Tune = Callable[..., int]


@pytest.fixture(autouse=True)
def _as_it_was(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    handler, threads = signal.getsignal(signal.SIGTERM), torch.get_num_threads()
    yield
    signal.signal(signal.SIGTERM, handler)
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def quotes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_folder(tmp_path_factory.mktemp("data") / "quotes", symbols=1)


@pytest.fixture(scope="module")
def uninterrupted(quotes: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[list[list[str]], str]:
    """Return the table and the settings of a search that nothing came between."""
    out = tmp_path_factory.mktemp("whole")
    command = [sys.executable, "-m", "closecast_tuning", *options(quotes, out, "--trials", "3")]
    environment = {name: value for name, value in os.environ.items() if name != "RAY_ADDRESS"}
    ran = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    settings = (out / "closecast.env").read_text()
    assert settings in ran.stdout
    return table_of(ran.stdout), settings


@pytest.mark.slow
@pytest.mark.parametrize(("number", "status"), [(signal.SIGKILL, -signal.SIGKILL), (signal.SIGINT, 130)])
def test_a_search_that_was_ended_in_the_middle_goes_on_as_if_it_had_not_been(
    quotes: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    uninterrupted: tuple[list[list[str]], str],
    *,
    number: signal.Signals,
    status: int,
) -> None:
    table, settings = uninterrupted
    command = [sys.executable, "-m", "closecast_tuning", *options(quotes, tmp_path, "--trials", "3")]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as running:
        assert running.stderr is not None
        assert any("trial 0: complete" in line for line in running.stderr)
        running.send_signal(number)
        last = running.stderr.read()
    assert running.returncode == status
    if number == signal.SIGINT:
        assert last.endswith("closecast tune: stopped; the same command goes on with the study\n")

    assert main(options(quotes, tmp_path, "--trials", "3")) == 0

    resumed = capsys.readouterr()
    assert "study closecast goes on: 1 of 3 trials are finished" in resumed.err
    assert len(table) == 3
    assert table_of(resumed.out) == table
    assert (tmp_path / "closecast.env").read_text() == settings


@pytest.mark.slow
def test_the_best_is_what_the_trainer_reads(
    quotes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(options(quotes, tmp_path / "a" / "b", "--trials", "1", "--study", "first", "--epochs", "2")) == 0

    told = capsys.readouterr()
    assert f"fold 1 of 1: judged from {DAYS[356]} to {DAYS[418]}" in told.err
    assert re.search(r"trial 0: complete, [01]\.\d{4} of the base's loss, [\d.]+ s", told.err)
    for line in (tmp_path / "a" / "b" / "first.env").read_text().splitlines():
        name, _, value = line.partition("=")
        monkeypatch.setenv(name, value)
    assert TrainingSettings().model_dump() == TrainingConfig(epochs=2).model_dump()


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (["--folds", "7"], "folds: 7 do not fit, at most 2; before the block of the oldest one: the panel has"),
        (["--until", "2019-03-01"], "until: before 2019-03-01: the panel has 40 sessions, a training needs 300"),
        (["--until", "2018-03-01"], "until: no symbol has a session before 2018-03-01"),
        (["--symbols", "S0,S9"], "holds no file S9.csv"),
        (["--jobs", "2"], "jobs: takes a Ray cluster, and RAY_ADDRESS names none"),
    ],
)
def test_what_cannot_be_done_is_told_in_one_line(
    quotes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], more: list[str], told: str
) -> None:
    assert main(options(quotes, tmp_path / "out", *more)) == 1

    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("closecast tune: ")
    assert told in line
    assert not (tmp_path / "out").exists()


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU, so asking for it is no fault")
def test_a_missing_gpu_is_told_before_any_work(
    quotes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(options(quotes, tmp_path, "--device", "cuda")) == 1
    assert capsys.readouterr().err == (
        "closecast tune: device: cuda was asked for, this machine has none; use auto or cpu\n"
    )


def test_help_tells_every_option(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["--help"])
    text = capsys.readouterr().out
    assert all(f"--{name.replace('_', '-')}" in text for name in TuneSettings.model_fields)


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (["--data", "nowhere"], "data: Value error, nowhere is no folder"),
        (["--out", "OUT/file"], "out: Value error, OUT/file is no folder"),
        (["--trials", "0"], "trials: "),
        (["--folds", "0"], "folds: "),
        (["--jobs", "0"], "jobs: "),
        (["--study", "../up"], "study: "),
        (["--until", "01/06/2020"], "until: "),
        (["--device", "tpu"], "device: "),
        (["--symbols", "../../etc"], "symbols"),
    ],
)
def test_a_wrong_option_is_told_in_one_line_before_any_work(
    quotes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], more: list[str], told: str
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SystemExit, match="2"):
        main([*options(quotes, tmp_path / "out"), *(option.replace("OUT", str(tmp_path)) for option in more)])

    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("closecast tune: ")
    assert told.replace("OUT", str(tmp_path)) in line


def test_the_address_of_mlflow_counts_only_if_it_was_given(
    quotes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert TuneSettings.load(options(quotes, tmp_path)).tracking_uri is None
    monkeypatch.setenv("CLOSECAST_MLFLOW_TRACKING_URI", "http://mlflow:5000")
    assert TuneSettings.load(options(quotes, tmp_path)).tracking_uri == "http://mlflow:5000"
