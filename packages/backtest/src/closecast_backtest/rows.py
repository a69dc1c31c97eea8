"""The file of a backtest: one row a symbol, origin and horizon."""

import os
import tempfile
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from closecast.horizons import LEVELS
from closecast_backtest.plan import Plan
from closecast_backtest.walk import Forecasts

QUANTILES: Final = tuple(f"q{100 * level:g}" for level in LEVELS)
"""Columns of the quantiles, named after their level in percent."""

SCHEMA: Final = pa.schema(
    [
        pa.field("symbol", pa.string(), nullable=False),
        pa.field("origin", pa.date32(), nullable=False),
        pa.field("horizon", pa.int8(), nullable=False),
        pa.field("target", pa.date32(), nullable=False),
        pa.field("last_close", pa.float64(), nullable=False),
        *(pa.field(name, pa.float64(), nullable=False) for name in QUANTILES),
        pa.field("actual", pa.float64(), nullable=False),
        pa.field("model", pa.string(), nullable=False),
    ]
)


def make_rows(plan: Plan, forecasts: Forecasts) -> pa.Table:
    """Return the rows, sorted by symbol, origin and horizon."""
    origins, horizon = plan.origins, plan.horizon
    ahead = np.arange(1, horizon + 1)
    targets = plan.panel.sessions[origins.rows[:, None], origins.columns[:, None] + ahead]
    symbols = np.array(plan.panel.symbols, dtype=object)[origins.rows]
    columns = {
        "symbol": np.repeat(symbols, horizon),
        "origin": np.repeat(origins.sessions, horizon),
        "horizon": np.tile(ahead, len(origins)),
        "target": targets.ravel(),
        "last_close": np.repeat(origins.last_close, horizon),
        **{name: forecasts.quantiles[:, :, level].ravel() for level, name in enumerate(QUANTILES)},
        "actual": origins.actual.ravel(),
        "model": np.repeat(forecasts.models, horizon),
    }
    return pa.table({field.name: pa.array(columns[field.name], type=field.type) for field in SCHEMA}, schema=SCHEMA)


def write_rows(table: pa.Table, file: Path) -> None:
    """Write a table to a Parquet file that appears only when it is complete; the same rows give the same bytes.

    Raises:
        OSError: If it cannot be written.
    """
    handle, unfinished = tempfile.mkstemp(prefix=f".{file.name}-", dir=file.parent)
    os.close(handle)
    try:
        parquet.write_table(table, unfinished, compression="zstd")
        Path(unfinished).chmod(0o644)
        Path(unfinished).replace(file)
    except BaseException:
        Path(unfinished).unlink(missing_ok=True)
        raise
