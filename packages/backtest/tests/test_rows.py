import errno
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from packages.backtest.tests.folders import day
from pyarrow import parquet
from services.trainer.tests.panels import make_panel

from closecast.forecasting.panel import Panel
from closecast.forecasting.series import Series
from closecast_backtest.plan import Plan, make_plan
from closecast_backtest.rows import QUANTILES, SCHEMA, make_rows, write_rows
from closecast_backtest.walk import Forecasts

PANEL = make_panel(2, 420)
PLAN = make_plan(PANEL, day(400), step=8, horizon=2)


def forecasts_for(plan: Plan) -> Forecasts:
    """Return quantiles that tell where they belong: origin, horizon and level are their digits."""
    origin, horizon, level = np.ogrid[: len(plan.origins), : plan.horizon, :7]
    models = np.array([f"model{number}" for number in range(len(plan.origins))], dtype=object)
    return Forecasts((100 * (origin + 1) + 10 * (horizon + 1) + level + 1).astype(float), models)


def test_a_row_holds_one_symbol_origin_and_horizon() -> None:
    table = make_rows(PLAN, forecasts_for(PLAN))

    assert table.schema.equals(SCHEMA)
    assert QUANTILES == ("q2.5", "q10", "q25", "q50", "q75", "q90", "q97.5")
    assert table.num_rows == len(PLAN.origins) * 2 == 12
    assert table.slice(9, 1).to_pylist() == [
        {
            "symbol": "S1",
            "origin": day(408),
            "horizon": 2,
            "target": day(410),
            "last_close": PANEL.close[1, 408],
            **{name: 521 + level for level, name in enumerate(QUANTILES)},
            "actual": pytest.approx(PANEL.close[1, 410]),
            "model": "model4",
        }
    ]
    keys = list(zip(*(table[name].to_pylist() for name in ("symbol", "origin", "horizon")), strict=True))
    assert keys == sorted(keys)


def test_a_target_is_the_symbols_own_session() -> None:
    days_without = 40
    sessions = PANEL.sessions[0] + np.where(np.arange(PANEL.width) > 401, days_without, 0)
    plan = make_plan(Panel.of([Series.from_closes("S0", sessions, PANEL.close[0])]), day(400), step=8, horizon=2)

    rows = make_rows(plan, forecasts_for(plan))

    assert rows["target"].to_pylist()[:2] == [day(401), day(402 + days_without)]


def test_the_same_rows_are_the_same_bytes(tmp_path: Path) -> None:
    table = make_rows(PLAN, forecasts_for(PLAN))
    files = tmp_path / "first.parquet", tmp_path / "second.parquet"

    for file in files:
        write_rows(make_rows(PLAN, forecasts_for(PLAN)), file)

    assert parquet.read_table(files[0]).equals(table)
    assert files[0].read_bytes() == files[1].read_bytes()


def test_a_file_is_whole_or_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def half(_: pa.Table, file: str, **__: object) -> None:
        Path(file).write_bytes(b"PAR1")
        raise OSError(errno.ENOSPC, "No space left on device")

    file = tmp_path / "rows.parquet"
    file.write_bytes(b"of an earlier run")
    monkeypatch.setattr(parquet, "write_table", half)

    with pytest.raises(OSError, match="No space left"):
        write_rows(make_rows(PLAN, forecasts_for(PLAN)), file)

    assert file.read_bytes() == b"of an earlier run"
    assert list(tmp_path.iterdir()) == [file]
