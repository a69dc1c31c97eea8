import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from closecast.events import InvalidEventError, Quote


def quote(**changes: Any) -> Quote:
    return Quote.from_bytes(json.dumps(Quote.example | changes).encode())


@pytest.mark.parametrize("field", ["open", "high", "low", "close", "adjusted_close"])
@pytest.mark.parametrize("price", [0, -1.5, float("nan"), float("inf"), float("-inf"), "twelve", None])
def test_a_price_that_is_none_is_refused_by_name(field: str, price: Any) -> None:
    with pytest.raises(InvalidEventError, match=field):
        quote(**{field: price})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("volume", -1),
        ("dividend", -0.1),
        ("split", 0),
        ("revision", -1),
        ("currency", "reais"),
        ("symbol", "../../etc"),
        ("symbol", "A" * 200),
        ("exchange", "NOPE"),
        ("as_of", "2025-06-16T21:30:00"),
    ],
)
def test_a_field_out_of_bounds_is_refused_by_name(field: str, value: Any) -> None:
    with pytest.raises(InvalidEventError, match=field if field != "exchange" else "NOPE"):
        quote(**{field: value})


def test_a_session_on_a_holiday_is_refused() -> None:
    with pytest.raises(InvalidEventError, match="2025-06-19 is not a session of BVMF"):
        quote(session="2025-06-19", as_of="2025-06-20T00:00:00Z")


def test_a_live_bar_is_refused() -> None:
    with pytest.raises(InvalidEventError, match="session: 2025-06-16 closes at"):
        quote(as_of="2025-06-16T15:00:00Z")


def test_a_session_in_the_future_is_refused() -> None:
    with pytest.raises(InvalidEventError, match="future"):
        quote(as_of=(datetime.now(UTC) + timedelta(days=2)).isoformat())


def test_high_below_low_is_refused() -> None:
    with pytest.raises(InvalidEventError, match="low"):
        quote(high=1.0, low=2.0)


def test_key_partition_and_time() -> None:
    made = quote()
    assert made.key() == b"PETR4.SA|2025-06-16"
    assert made.partition_key() == b"PETR4.SA"
    assert made.timestamp().date() == date(2025, 6, 16)


def test_a_correction_changes_the_content_and_a_new_reading_does_not() -> None:
    made = quote()
    assert quote(close=32.73).content() != made.content()
    assert quote(adjusted_close=30.0, revision=3, as_of="2025-06-17T00:00:00Z").content() == made.content()
