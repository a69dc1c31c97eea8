"""When the source is asked."""

import threading
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from prometheus_client import REGISTRY

from closecast_ingestor.rounds import Outcome
from closecast_ingestor.schedule import Schedule, follow

HOUR = timedelta(hours=1)
SERIES = "closecast_ingestor_settled_session_timestamp_seconds"
FRIDAY_NIGHT = datetime(2024, 4, 5, 23, 0, tzinfo=UTC)
NEW_YORK_SETTLES = datetime(2024, 4, 8, 21, 0, tzinfo=UTC)


def schedule(*symbols: str) -> Schedule:
    return Schedule(symbols, delay=HOUR, retry=timedelta(minutes=1))


def test_everything_is_due_at_the_start() -> None:
    assert schedule("AAPL", "PETR4.SA").due(FRIDAY_NIGHT) == ["AAPL", "PETR4.SA"]


def test_nothing_is_due_until_the_next_session_settles() -> None:
    plan = schedule("AAPL")
    plan.note(["AAPL"], Outcome(), FRIDAY_NIGHT)
    assert plan.due(FRIDAY_NIGHT) == []
    assert plan.next_round(FRIDAY_NIGHT) == NEW_YORK_SETTLES
    assert plan.due(NEW_YORK_SETTLES - timedelta(seconds=1)) == []
    assert plan.due(NEW_YORK_SETTLES) == ["AAPL"]


def test_each_exchange_is_asked_after_its_own_close() -> None:
    """On 15 November 2024 Sao Paulo has a holiday, New York trades."""
    plan = schedule("AAPL", "PETR4.SA")
    night_before = datetime(2024, 11, 15, 3, 0, tzinfo=UTC)
    plan.note(["AAPL", "PETR4.SA"], Outcome(), night_before)
    settles = plan.next_round(night_before)
    assert settles == datetime(2024, 11, 15, 22, 0, tzinfo=UTC)
    assert plan.due(settles) == ["AAPL"]


def test_an_early_close_is_asked_for_early() -> None:
    plan = schedule("AAPL")
    morning = datetime(2023, 11, 24, 12, 0, tzinfo=UTC)
    plan.note(["AAPL"], Outcome(), morning)
    assert plan.next_round(morning) == datetime(2023, 11, 24, 19, 0, tzinfo=UTC)


def test_missing_symbols_are_asked_for_again_with_growing_waits() -> None:
    plan = schedule("AAPL", "MSFT")
    waits = []
    for _ in range(4):
        plan.note(["AAPL", "MSFT"], Outcome(failed=["MSFT"]), FRIDAY_NIGHT)
        assert plan.due(FRIDAY_NIGHT) == ["MSFT"]
        waits.append(plan.next_round(FRIDAY_NIGHT) - FRIDAY_NIGHT)
    assert waits == [timedelta(minutes=minutes) for minutes in (1, 2, 4, 8)]


def test_a_symbol_that_never_comes_is_left_until_its_next_session() -> None:
    plan = schedule("GONE")
    for _ in range(9):
        assert plan.due(FRIDAY_NIGHT) == ["GONE"]
        plan.note(["GONE"], Outcome(behind=["GONE"]), FRIDAY_NIGHT)
    assert plan.due(FRIDAY_NIGHT) == []
    assert plan.due(NEW_YORK_SETTLES) == ["GONE"]


def test_a_retry_never_comes_after_the_next_close() -> None:
    plan = schedule("AAPL")
    shortly_before = NEW_YORK_SETTLES - timedelta(seconds=30)
    plan.note(["AAPL"], Outcome(failed=["AAPL"]), shortly_before)
    assert plan.next_round(shortly_before) == NEW_YORK_SETTLES


def test_a_symbol_that_is_added_is_asked_for_from_its_next_session_on() -> None:
    plan = schedule("AAPL")
    plan.note(["AAPL"], Outcome(), FRIDAY_NIGHT)
    plan.add(["MSFT", "AAPL"], FRIDAY_NIGHT)
    assert plan.due(FRIDAY_NIGHT) == []
    assert plan.due(NEW_YORK_SETTLES) == ["AAPL", "MSFT"]


def test_a_symbol_that_is_added_without_its_sessions_is_due_at_once() -> None:
    plan = schedule("AAPL")
    plan.note(["AAPL"], Outcome(), FRIDAY_NIGHT)
    plan.add(["MSFT"])
    assert plan.due(FRIDAY_NIGHT) == ["MSFT"]


def test_another_exchange_that_is_added_settles_at_its_own_time() -> None:
    plan = schedule("AAPL")
    plan.add(["7203.T"], FRIDAY_NIGHT)
    assert plan.next_settled(FRIDAY_NIGHT) == datetime(2024, 4, 8, 7, 0, tzinfo=UTC)


def test_it_asks_at_once_and_stops_when_told() -> None:
    stop, asked = threading.Event(), []

    def ask(symbols: Sequence[str], now: datetime) -> Outcome:
        asked.append((list(symbols), now))
        threading.Timer(0.1, stop.set).start()
        return Outcome()

    follow(schedule("AAPL"), ask, stop.wait, stop)
    assert [symbols for symbols, _ in asked] == [["AAPL"]]


def test_it_tells_which_session_of_each_exchange_has_settled() -> None:
    """On 15 November 2024 Sao Paulo has a holiday, New York trades."""
    schedule("AAPL", "PETR4.SA").tell(datetime(2024, 11, 15, 23, 0, tzinfo=UTC))

    told = [REGISTRY.get_sample_value(SERIES, {"exchange": exchange}) for exchange in ("XNYS", "BVMF")]
    closes = datetime(2024, 11, 15, 21, 0, tzinfo=UTC), datetime(2024, 11, 14, 21, 0, tzinfo=UTC)
    assert told == [close.timestamp() for close in closes]
