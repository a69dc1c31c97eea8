import time
from datetime import date

import pytest

from closecast.events import BackfillEvent, BackfillRequest
from closecast.kafka import KafkaSettings
from closecast_predictor.arrivals import Arrivals
from closecast_predictor.backfills import BackfillDesk

LAST = date(2025, 6, 16)
LONG_S = 3600.0


class Fetched:
    """MSFT, which is being fetched, beside symbols that are not."""

    def __init__(self, patience_s: float = LONG_S) -> None:
        self.desk = BackfillDesk(KafkaSettings())
        self.request = BackfillRequest(symbol="MSFT")
        self.desk.asked(self.request)
        self.arrivals = Arrivals(self.desk, patience_s)
        self.last = date(2001, 1, 2)

    def due(self, *changed: str) -> set[str]:
        return self.arrivals.due(changed, lambda _symbol: self.last)

    def end(self, outcome: str, last: date | None = None) -> None:
        own = {"request_id": self.request.id, "symbol": "MSFT", "reason": "because", "source": "csv", "ingestor": "x"}
        self.desk.ended(BackfillEvent.model_validate(own | {"outcome": outcome, "last_session": last}))


@pytest.fixture
def fetched() -> Fetched:
    return Fetched()


def test_a_symbol_is_held_back_until_its_latest_session_is_there(fetched: Fetched) -> None:
    assert fetched.due("MSFT", "AAPL") == {"AAPL"}
    fetched.end("served", LAST)
    assert fetched.due("MSFT") == set()
    fetched.last = LAST
    assert fetched.due("MSFT") == {"MSFT"}
    assert fetched.arrivals.timeout_s is None


def test_the_outcome_may_come_last(fetched: Fetched) -> None:
    fetched.last = LAST
    assert fetched.due("MSFT") == set()
    fetched.end("served", LAST)
    assert fetched.due() == {"MSFT"}


def test_what_failed_half_way_is_forecast_from_what_came(fetched: Fetched) -> None:
    fetched.due("MSFT")
    fetched.end("failed")
    assert fetched.due() == {"MSFT"}


def test_a_symbol_that_comes_another_way_is_not_held_back_for_long() -> None:
    fetched = Fetched(patience_s=0.05)
    assert fetched.due("MSFT") == set()
    timeout_s = fetched.arrivals.timeout_s
    assert timeout_s is not None
    time.sleep(timeout_s)
    assert fetched.due() == {"MSFT"}
