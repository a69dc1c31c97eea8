import json
from typing import Any

import pytest

from closecast.events import InvalidEventError, TrainingRequest


def request(**changes: Any) -> TrainingRequest:
    return TrainingRequest.from_bytes(json.dumps(TrainingRequest.example | changes).encode())


def test_symbols_become_canonical() -> None:
    assert request(symbols=["petr4", "AAPL"]).symbols == ("PETR4.SA", "AAPL")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"model": "../../etc"}, "model"),
        ({"model": "Panel"}, "model"),
        ({"symbols": ["../../etc"]}, "symbols"),
        ({"start": "2025-01-01", "end": "2024-01-01"}, "start"),
        ({"hyperparameters": {"epochs": 0}}, "hyperparameters.epochs"),
        ({"hyperparameters": {"epoch": 3}}, "hyperparameters.epoch"),
        ({"reason": "boredom"}, "reason"),
        ({"id": "7"}, "id"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidEventError, match=field):
        request(**changes)


def test_two_requests_never_share_an_id() -> None:
    assert TrainingRequest(model="m").id != TrainingRequest(model="m").id
