from io import StringIO

import numpy as np
from packages.backtest.tests.folders import day
from rich.console import Console
from services.trainer.tests.panels import make_panel

from closecast.forecasting.series import Floats
from closecast.horizons import MEDIAN
from closecast_backtest.measures import Measures
from closecast_backtest.peers.walks import Ewma
from closecast_backtest.plan import make_plan
from closecast_backtest.report import WIDTH, Contender, print_by_symbol, print_report
from closecast_backtest.walk import Forecasts

PLAN = make_plan(make_panel(2, 420), day(330), step=5, horizon=10)
OURS = Ewma().forecast(PLAN.panel, day(330), PLAN.origins)
FORECASTS = Forecasts(OURS, np.where(PLAN.origins.rows == 0, "base", "panel@2010-11-27").astype(object))


def written(console: Console) -> str:
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def medians_only(quantiles: Floats) -> Floats:
    medians = np.full_like(quantiles, np.nan)
    medians[..., MEDIAN] = 1.1 * quantiles[..., MEDIAN]
    return medians


def test_the_table_has_a_line_for_each_contender_and_says_who_spoke() -> None:
    console = Console(width=WIDTH, file=StringIO())

    print_report(
        console,
        PLAN,
        FORECASTS,
        [Contender("Closecast", OURS, 1.25), Contender("level", medians_only(OURS), 2)],
    )

    text = written(console)
    ours, level = (next(line.split() for line in text.splitlines() if line.startswith(name)) for name in ("Clo", "lev"))
    measures = Measures.of(OURS, PLAN.origins.actual, PLAN.origins.last_close, PLAN.origins.rows)
    assert ours[1:] == [
        f"{measures.pinball_next:.6f}",
        f"{measures.pinball:.6f}",
        "1.000",
        "1.000",
        f"{measures.coverage_80:.3f}",
        f"{measures.coverage_95:.3f}",
        "1.2",
    ]
    assert len(level) == 4, "its name, two errors and the time"
    assert float(level[1]) > float(level[2]) > 1
    assert "2 symbols, 32 origins from 2010-11-27 to 2011-02-10, 10 horizons" in text
    assert "base 50.0%, panel@2010-11-27 50.0%" in text
    assert all(len(line) <= WIDTH for line in text.splitlines() if not line.startswith("pinball:"))


def test_each_symbol_has_a_line_beside_the_base() -> None:
    console = Console(width=WIDTH, file=StringIO())

    print_by_symbol(console, PLAN, 1.01 * OURS, OURS)

    lines = {line.split()[0]: line.split() for line in written(console).splitlines() if line}
    for row, symbol in enumerate(PLAN.panel.symbols):
        mine = PLAN.origins.rows == row
        known = PLAN.origins.actual[mine], PLAN.origins.last_close[mine], PLAN.origins.rows[mine]
        measures, base = Measures.of(1.01 * OURS[mine], *known), Measures.of(OURS[mine], *known)
        assert lines[symbol][1:] == [
            str(mine.sum()),
            f"{measures.pinball:.6f}",
            f"{base.pinball:.6f}",
            f"{measures.pinball / base.pinball - 1:+.2%}",
            f"{measures.rmae:.3f}",
            f"{measures.coverage_80:.3f}",
            f"{base.coverage_80:.3f}",
            f"{measures.coverage_95:.3f}",
            f"{base.coverage_95:.3f}",
        ]
