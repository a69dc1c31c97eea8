import math
import tracemalloc
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError
from services.predictor.tests.support import quotes_of

from closecast.calendars import calendar_of
from closecast.forecasting.panel import Panel
from closecast_predictor.api.errors import ProblemError
from closecast_predictor.api.histories import forecast_history
from closecast_predictor.api.schemas.forecasts import FEWEST_SESSIONS
from closecast_predictor.api.schemas.histories import FIELDS, History, HistoryRow
from closecast_predictor.inference import round_prices
from closecast_predictor.snapshot import Model

BASE = Model.base("closecast-panel")
QUOTES = quotes_of("PETR4.SA", 80)
ROWS = [
    HistoryRow(date=one.session, open=one.open, high=one.high, low=one.low, close=one.close, volume=one.volume)
    for one in QUOTES
]


def test_a_history_is_forecast_like_the_same_quotes_from_kafka() -> None:
    expected = round_prices(BASE.forecaster.forecast(Panel.from_quotes(QUOTES))[0])

    answer = forecast_history(BASE, History.of(ROWS), "PETR4.SA", 10, 500)

    np.testing.assert_array_equal([list(one.quantiles.values()) for one in answer.forecast], expected)
    assert (answer.symbol, answer.currency, answer.exchange) == ("PETR4.SA", "BRL", "BVMF")
    assert (answer.origin, answer.last_close) == (QUOTES[-1].session, QUOTES[-1].close)


def test_the_symbols_exchange_tells_the_sessions() -> None:
    following = calendar_of("BVMF").next_sessions(QUOTES[-1].session, 10)

    answer = forecast_history(BASE, History.of(ROWS), "PETR4.SA", 10, 500)

    assert tuple(one.session for one in answer.forecast) == following


def test_the_age_of_a_history_is_that_of_its_latest_session() -> None:
    closed_at = calendar_of("BVMF").closes_at(QUOTES[-1].session)
    before = int((datetime.now(UTC) - closed_at).total_seconds())

    age = forecast_history(BASE, History.of(ROWS), "PETR4.SA", 1, 500).data_age_seconds

    assert age is not None
    assert before <= age <= int((datetime.now(UTC) - closed_at).total_seconds())
    sunday = ROWS[-1].model_copy(update={"date": date(2024, 6, 2)})
    assert forecast_history(BASE, History.of([*ROWS, sunday]), "PETR4.SA", 1, 500).data_age_seconds is None


def test_a_history_older_than_the_calendar_is_refused() -> None:
    old = [row.model_copy(update={"date": date(1970, 1, 1) + timedelta(days=at)}) for at, row in enumerate(ROWS)]

    with pytest.raises(ProblemError, match="begins on 1980"):
        forecast_history(BASE, History.of(old), None, 1, 500)


def test_closes_alone_have_no_sessions() -> None:
    answer = forecast_history(BASE, History.of([one.close for one in QUOTES]), None, 3, 500)

    assert [one.session for one in answer.forecast] == [None] * 3
    assert (answer.origin, answer.symbol, answer.currency, answer.data_age_seconds) == (None, None, None, None)
    assert answer.predicted_close == answer.forecast[0].median


def test_prices_scale_with_the_history() -> None:
    closes = [one.close for one in QUOTES]

    one = forecast_history(BASE, History.of(closes), None, 1, 500).forecast[0].median
    hundred = forecast_history(BASE, History.of([100 * close for close in closes]), None, 1, 500).forecast[0].median

    assert hundred == pytest.approx(100 * one, rel=1e-6)


@pytest.mark.parametrize("count", [1, FEWEST_SESSIONS - 1, 501])
def test_too_short_or_too_long_is_refused(count: int) -> None:
    with pytest.raises(ProblemError, match=f"needs {FEWEST_SESSIONS} to 500 sessions, has {count}"):
        forecast_history(BASE, History.of([30.0] * count), None, 10, 500)


@given(st.lists(st.floats(1e-9, 1e12), min_size=FEWEST_SESSIONS, max_size=80))
def test_any_prices_give_finite_ascending_quantiles(closes: list[float]) -> None:
    answer = forecast_history(BASE, History.of(closes), None, 10, 500)

    for one in answer.forecast:
        prices = list(one.quantiles.values())
        assert all(math.isfinite(price) and price > 0 for price in prices)
        assert prices == sorted(prices)


FIELD_VALUES = st.one_of(
    st.floats(1e-3, 1e6),
    st.none(),
    st.just(-1.0),
    st.just("31.5"),
    st.just(5),
    st.just(math.inf),
    st.just("2024-01-02"),
)
SENT_ROWS = st.lists(
    st.dictionaries(st.sampled_from(["date", "open", "high", "low", "close", "volume", "colour"]), FIELD_VALUES),
    max_size=4,
)


@given(SENT_ROWS)
@example([{"close": 31.5, "date": "2024-01-02"}, {"close": 31.0, "date": "2024-01-03"}])
@example([{"close": 31.5, "open": None}, {"close": 31.0}])
def test_columns_are_read_as_rows_are(sent: list[dict[str, object]]) -> None:
    assert _read(History, sent) == _read(list[HistoryRow], sent)


@pytest.mark.parametrize(
    "sent",
    [[{}] * 90_000, [None] * 90_000, [1.0, *[-1] * 90_000], [1.0] * 300_000, [{"close": 1.0}] * 300_000],
    ids=["empty", "null", "negative", "many closes", "many sessions"],
)
def test_of_a_long_history_that_is_wrong_one_fault_is_told_in_little_memory(sent: list[object]) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(ValidationError) as refused:
            TypeAdapter(History).validate_python(sent)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert refused.value.error_count() == 1
    assert peak < 2**26


def _read(kind: Any, sent: object) -> object:
    """Return what is known of each session, or what is wrong with the first that is not right."""
    try:
        read: Any = TypeAdapter(kind).validate_python(sent)
    except ValidationError as error:
        faults = [(fault["type"], fault["loc"][-2:]) for fault in error.errors()]
        return [fault for fault in faults if fault[1][0] == faults[0][1][0]]
    history = read if isinstance(read, History) else History.of(read)
    return {name: _cells(getattr(history, name), len(history)) for name in FIELDS}


def _cells(column: Sequence[object] | None, sessions: int) -> list[object]:
    if column is None:
        return [None] * sessions
    return [None if isinstance(cell, float) and math.isnan(cell) else cell for cell in column]
