"""Dividends and splits out of an adjusted close, and folded into one again."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from closecast.calendars import calendar_of
from closecast.events import Quote
from closecast_ingestor.adjustments import derive_actions, fold_actions, later_splits
from closecast_ingestor.sources.base import Folding, Row

SESSIONS = calendar_of("XNYS").sessions(date(2020, 1, 1), date(2021, 1, 1))


def row(index: int, close: float, adjusted: float) -> Row:
    return Row(SESSIONS[index], close, close, close, close, adjusted, 0, b"")


def derived(closes: list[float], adjusted: list[float], folding: Folding = Folding.YAHOO) -> list[tuple[float, float]]:
    rows = [row(index, *pair) for index, pair in enumerate(zip(closes, adjusted, strict=True))]
    derive_actions(rows, folding)
    return [(each.dividend, each.split) for each in rows]


def quote(index: int, close: float, dividend: float, split: float) -> Quote:
    return Quote(
        symbol="AAPL", session=SESSIONS[index], exchange="XNYS", open=close, high=close, low=close, close=close,
        adjusted_close=close, volume=0, dividend=dividend, split=split, currency="USD", source="test",
        as_of=datetime.now(UTC) - timedelta(minutes=1),
    )  # fmt: skip


actions = st.one_of(
    st.just((0.0, 1.0)),
    st.floats(0.001, 0.12).map(lambda share: (share, 1.0)),
    st.sampled_from([2.0, 3.0, 4.0, 7.0, 1.5, 1.25, 0.5, 0.1, 0.05]).map(lambda split: (0.0, split)),
)


@given(
    closes=st.lists(st.floats(1, 1000).map(lambda price: round(price, 2)), min_size=2, max_size=40),
    data=st.data(),
)
def test_folding_and_deriving_undo_each_other(closes: list[float], data: st.DataObject) -> None:
    quotes = [quote(0, closes[0], 0.0, 1.0)]
    for index, close in enumerate(closes[1:], start=1):
        share, split = data.draw(actions)
        quotes.append(quote(index, close, round(closes[index - 1] * share, 4), split))

    found = derived([each.close for each in quotes], fold_actions(quotes))

    for each, (dividend, split) in zip(quotes, found, strict=True):
        assert split == each.split
        assert dividend == pytest.approx(each.dividend, abs=2e-5 * max(closes))


def test_rounding_to_cents_makes_no_dividends() -> None:
    generator = np.random.default_rng(1)
    closes = (50 * np.exp(np.cumsum(generator.normal(0, 0.02, 200)))).round(2)
    adjusted = (closes * 0.0731).round(2)
    assert derived(closes.tolist(), adjusted.tolist()) == [(0.0, 1.0)] * 200


def test_a_split_is_found_through_rounding_to_cents() -> None:
    closes = [90.0] * 30 + [30.0] * 30
    factors = [0.0731 / 3] * 30 + [0.0731] * 30
    found = derived(closes, [round(close * factor, 2) for close, factor in zip(closes, factors, strict=True)])
    assert found[30] == (0.0, 3.0)
    assert all(action == (0.0, 1.0) for index, action in enumerate(found) if index != 30)


def test_a_dividend_on_the_day_of_a_split_is_told_apart() -> None:
    """100 a share, then a split into 2 and 0.50 paid on each new share."""
    ((_, _), (dividend, split)) = derived([100.0, 49.5], [49.5, 49.5])
    assert split == 2.0
    assert dividend == pytest.approx(0.5, abs=1e-4)


def test_a_large_special_dividend_is_no_split() -> None:
    ((_, _), (dividend, split)) = derived([27.39, 27.39 - 3.08], [27.39 - 3.08, 27.39 - 3.08])
    assert dividend == pytest.approx(3.08, abs=1e-4)
    assert split == 1.0


def test_a_factor_that_falls_keeps_the_return() -> None:
    ((_, _), (dividend, split)) = derived([10.0, 10.0], [10.0, 9.0])
    assert dividend == 0.0
    assert split == pytest.approx(0.9)


def test_total_return_folding_relates_a_dividend_to_the_close_of_its_day() -> None:
    adjusted = [100 / (1 + 2.65 / 98), 98.0]
    assert derived([100.0, 98.0], adjusted, Folding.TOTAL_RETURN)[1] == pytest.approx((2.65, 1.0))


def test_later_splits_leave_out_the_day_itself() -> None:
    assert later_splits(np.array([1.0, 2.0, 1.0, 3.0])).tolist() == [6.0, 3.0, 3.0, 1.0]
