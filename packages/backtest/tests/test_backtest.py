"""The command as a whole: from a folder of quotes to the rows and the tables."""

import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
import torch
from packages.backtest.tests.folders import DAYS, lines_of, walk_of, write_csv, write_folder
from pyarrow import parquet

from closecast_backtest.__main__ import main
from closecast_backtest.rows import QUANTILES

START = DAYS[420]

Backtest = Callable[..., tuple[int, pa.Table | None]]


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    handler, threads = signal.getsignal(signal.SIGTERM), torch.get_num_threads()
    yield
    signal.signal(signal.SIGTERM, handler)
    torch.set_num_threads(threads)


@pytest.fixture
def backtest(tmp_path: Path) -> Backtest:
    """Return what runs a quick backtest over a folder, and gives its status and the rows."""

    def run(folder: Path, *options: str, out: str = "rows.parquet") -> tuple[int, pa.Table | None]:
        file = tmp_path / out
        needed = ["--data", str(folder), "--start", str(START), "--out", str(file)]
        status = main([*needed, "--epochs", "1", "--device", "cpu", *options])
        return status, parquet.read_table(file) if file.exists() else None

    return run


def quantiles_of(rows: pa.Table) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    return np.stack([rows[name].to_numpy() for name in QUANTILES], axis=1)


@pytest.mark.slow
def test_two_runs_give_the_same_bytes_and_tables(
    tmp_path: Path, backtest: Backtest, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_folder(tmp_path / "quotes")
    options = ("--refit", "40", "--peers", "ewma,base,garch", "--per-symbol")

    status, rows = backtest(folder, *options)
    first = capsys.readouterr()
    again, _ = backtest(folder, *options, out="again.parquet")
    second = capsys.readouterr()

    assert (status, again) == (0, 0)
    assert (tmp_path / "rows.parquet").read_bytes() == (tmp_path / "again.parquet").read_bytes()
    assert rows is not None
    assert rows.num_rows == 2 * len(range(420, len(DAYS) - 10, 5)) * 10
    assert [line.split()[:-1] for line in first.out.splitlines()] == [
        line.split()[:-1] for line in second.out.splitlines()
    ], "all but the seconds"
    for name in ("Closecast", "naive + EWMA, normal", "naive + EWMA, empirical shape", "GJR-GARCH-t", "S0", "S1"):
        assert any(line.startswith(name) for line in first.out.splitlines()), name
    assert f"fold 1 of 2: training on what lies before {START}" in first.err
    assert f"fold 2 of 2: training on what lies before {DAYS[460]}" in first.err


def test_rows_hold_what_came(tmp_path: Path, backtest: Backtest) -> None:
    _, rows = backtest(write_folder(tmp_path / "quotes", symbols=1), "--step", "30", "--horizon", "2")

    assert rows is not None
    closes = dict(zip(DAYS, np.round(walk_of(0), 4), strict=True))
    assert rows["origin"].to_pylist() == [day for day in DAYS[420:-2:30] for _ in range(2)]
    np.testing.assert_allclose(rows["last_close"], [closes[day] for day in rows["origin"].to_pylist()])
    np.testing.assert_allclose(rows["actual"], [closes[day] for day in rows["target"].to_pylist()])


def test_odd_histories_get_finite_rows_or_are_named(
    tmp_path: Path, backtest: Backtest, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_folder(tmp_path / "quotes")
    write_csv(folder, "STILL", lines_of(np.full(len(DAYS), 10.0)))
    write_csv(folder, "TEN", lines_of(walk_of(5)[:10], DAYS[-10:]))
    write_csv(folder, "SHORT", lines_of(walk_of(6)[-120:], DAYS[-120:]))
    gap = lines_of(walk_of(7))
    write_csv(folder, "GAP", gap[:430] + gap[470:])
    write_csv(folder, "JUMP", lines_of(walk_of(8) * np.where(np.arange(len(DAYS)) < 440, 1, 1000)))

    status, rows = backtest(folder, "--peers", "ewma,base,garch")

    told = capsys.readouterr()
    assert status == 0
    assert rows is not None
    assert pc.unique(rows["symbol"]).to_pylist() == ["GAP", "JUMP", "S0", "S1", "SHORT", "STILL"]
    assert f"TEN: no origin among its 10 sessions, the last of them {DAYS[-1]}" in told.err
    assert np.isfinite(quantiles_of(rows)).all()
    assert (np.diff(quantiles_of(rows), axis=1) >= 0).all()
    assert set(rows.filter(pc.equal(rows["symbol"], "SHORT"))["model"].to_pylist()) == {"base"}
    assert "nan" not in told.out


def test_a_universe_of_one_price_that_never_moves_is_forecast_by_the_base(tmp_path: Path, backtest: Backtest) -> None:
    folder = tmp_path / "quotes"
    write_csv(folder, "STILL", lines_of(np.full(len(DAYS), 10.0)))

    status, rows = backtest(folder, "--per-symbol")

    assert status == 0
    assert rows is not None
    assert set(rows["model"].to_pylist()) == {"base"}
    assert np.isfinite(quantiles_of(rows)).all()
    assert (rows["q2.5"].to_numpy() < 10).all()
    assert (rows["q97.5"].to_numpy() > 10).all()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--start", "2021-06-01"], "start: 2021-06-01 lies after the last session, 2020-12-31"),
        (["--start", f"{DAYS[100]}"], f"start: before {DAYS[100]} the panel has 100 sessions, a training needs 300"),
        (["--symbols", "S0,S9"], "holds no file S9.csv"),
    ],
)
def test_what_cannot_be_done_is_told_in_one_line(
    tmp_path: Path, backtest: Backtest, capsys: pytest.CaptureFixture[str], options: list[str], told: str
) -> None:
    status, rows = backtest(write_folder(tmp_path / "quotes"), *options)

    (line,) = capsys.readouterr().err.splitlines()
    assert (status, rows) == (1, None)
    assert line.startswith("closecast backtest: ")
    assert told in line


def test_a_file_in_another_locale_is_named(
    tmp_path: Path, backtest: Backtest, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_folder(tmp_path / "quotes")
    write_csv(folder, "S1", ["02/01/2020;10,00;10,10"], header="Data;Abertura;Fechamento")

    status, rows = backtest(folder)

    assert (status, rows) == (1, None)
    assert "S1.csv, line 1: the header has no Date column: Data;Abertura;Fechamento" in capsys.readouterr().err


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU, so asking for it is no fault")
def test_a_missing_gpu_is_told_before_any_work(
    tmp_path: Path, backtest: Backtest, capsys: pytest.CaptureFixture[str]
) -> None:
    status, rows = backtest(write_folder(tmp_path / "quotes"), "--device", "cuda")

    assert (status, rows) == (1, None)
    assert capsys.readouterr().err == (
        "closecast backtest: device: cuda was asked for, this machine has none; use auto or cpu\n"
    )


def test_ctrl_c_ends_it_with_its_own_status(
    tmp_path: Path, backtest: Backtest, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("closecast_backtest.backtest.walk", interrupted)

    status, rows = backtest(write_folder(tmp_path / "quotes"))

    assert (status, rows) == (130, None)
    assert capsys.readouterr().err.endswith("closecast backtest: stopped\n")
