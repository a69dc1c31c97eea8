import json
from typing import Any

import pytest

from closecast.events import BackfillEvent, BackfillRequest, InvalidEventError


def request(**changes: Any) -> BackfillRequest:
    return BackfillRequest.from_bytes(json.dumps(BackfillRequest.example | changes).encode())


def test_the_symbol_becomes_canonical_and_is_the_key() -> None:
    assert request(symbol="petr4").symbol == "PETR4.SA"
    assert request(symbol="petr4").key() == b"PETR4.SA"


@pytest.mark.parametrize("symbol", ["../../etc", "", "A" * 16, "A B", None, 7])
def test_what_is_no_symbol_is_refused(symbol: object) -> None:
    with pytest.raises(InvalidEventError, match="symbol: "):
        request(symbol=symbol)


def test_two_requests_never_share_an_id() -> None:
    assert BackfillRequest(symbol="AAPL").id != BackfillRequest(symbol="AAPL").id


def test_an_outcome_is_one_of_three() -> None:
    with pytest.raises(InvalidEventError, match="outcome: "):
        BackfillEvent.from_bytes(json.dumps(BackfillEvent.example | {"outcome": "lost"}).encode())
