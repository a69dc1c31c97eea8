from collections.abc import Callable
from datetime import date

import numpy as np
import pytest

from closecast.forecasting.panel import Panel
from closecast.forecasting.series import InvalidSeriesError, Series

MakeSeries = Callable[..., Series]


def rebuilt(panel: Panel, row: int, start: int, stop: int) -> Series:
    """Return a series made anew from some columns of a panel."""
    columns = {name: getattr(panel, name)[row, start:stop] for name in ("open", "high", "low", "close", "volume")}
    return Series.from_columns(panel.symbols[row], session=panel.sessions[row, start:stop], **columns)


def same(one: Panel, other: Panel) -> bool:
    return one.fingerprint() == other.fingerprint()


def test_histories_are_aligned_at_their_latest_session(make_series: MakeSeries) -> None:
    long, short = make_series("LONG", 5), make_series("SHORT", 3, seed=1)

    panel = Panel.of([long, short])

    assert (len(panel), panel.width, panel.lengths.tolist()) == (2, 5, [5, 3])
    assert panel.last_close.tolist() == [long.close[-1], short.close[-1]]
    assert panel.last_session.tolist() == [long.sessions[-1], short.sessions[-1]]
    assert np.isnan(panel.close[1, :2]).all()
    assert np.isnat(panel.sessions[1, :2]).all()


def test_a_long_table_and_series_make_the_same_panel(panel: Panel) -> None:
    known = ~np.isnan(panel.close)
    shuffled = np.random.default_rng(0).permutation(known.sum())
    names = np.repeat(panel.symbols, panel.lengths)[shuffled]
    table = {name: getattr(panel, name)[known][shuffled] for name in ("open", "high", "low", "close", "volume")}
    ones, zeros = np.ones(len(names)), np.zeros(len(names))

    loaded = Panel.from_columns(
        symbol=names,
        session=panel.sessions[known][shuffled],
        dividend=zeros,
        split=ones,
        revision=zeros,
        **table,
    )

    assert loaded.symbols == panel.symbols
    assert same(loaded, panel)


def test_a_window_is_what_was_known_at_its_end(panel: Panel) -> None:
    windows = panel.windows(np.array([0, 2]), np.array([600, 699]), 50)

    assert windows.symbols == ("AAA", "CCC")
    assert same(windows, Panel.of([rebuilt(panel, 0, 551, 601), rebuilt(panel, 2, 650, 700)]))


def test_a_window_longer_than_the_history_is_the_history(panel: Panel) -> None:
    windows = panel.windows(np.array([2]), np.array([660]), 200)

    assert windows.lengths.tolist() == [51]
    assert same(windows, Panel.of([rebuilt(panel, 2, 610, 661)]))


def test_the_tail_keeps_the_latest_sessions(panel: Panel) -> None:
    tail = panel.tail(100)

    assert tail.lengths.tolist() == [100, 100, 90]
    assert same(tail, panel.windows(np.arange(3), np.full(3, panel.width - 1), 100))
    assert tail.last_close.tolist() == panel.last_close.tolist()


def test_between_keeps_a_range_and_drops_symbols_without_it(make_series: MakeSeries) -> None:
    late = make_series("LATE", 30)
    later = Series.from_closes("LATER", [date(2030, 1, 1)], [1.0])
    panel = Panel.of([late, later])

    part = panel.between(date(2015, 1, 5), date(2015, 1, 10))

    assert part.symbols == ("LATE",)
    assert part.sessions.astype(object).tolist() == [[date(2015, 1, day) for day in range(5, 11)]]
    with pytest.raises(InvalidSeriesError, match="no symbol has a session"):
        panel.between(date(2040, 1, 1))


def test_select_picks_symbols_in_order(panel: Panel) -> None:
    assert panel.select(["CCC", "AAA"]).symbols == ("CCC", "AAA")
    with pytest.raises(KeyError):
        panel.select(["ZZZ"])


def test_the_fingerprint_tells_data_and_not_order(panel: Panel, make_series: MakeSeries) -> None:
    assert same(panel, panel.select(["CCC", "BBB", "AAA"]))
    changed = Panel.of([make_series("AAA", 500, seed=1), make_series("BBB", 700, seed=9), make_series("CCC", 90)])
    assert not same(panel, changed)


def test_an_empty_panel_is_refused() -> None:
    with pytest.raises(InvalidSeriesError, match="at least one symbol"):
        Panel.of([])
