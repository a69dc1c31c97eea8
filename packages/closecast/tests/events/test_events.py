"""What holds for every event."""

import json
from typing import Any

import pytest

from closecast.events import (
    BackfillEvent,
    BackfillRequest,
    Event,
    Forecast,
    InvalidEventError,
    ModelEvent,
    Quote,
    TrainingRequest,
)

EVENTS = [Quote, TrainingRequest, ModelEvent, Forecast, BackfillRequest, BackfillEvent]


def with_changes(event: type[Event], **changes: Any) -> bytes:
    return json.dumps(event.example | changes).encode()


@pytest.mark.parametrize("event", EVENTS)
def test_the_example_survives_the_wire(event: type[Event]) -> None:
    original = event.model_validate(event.example)
    assert event.from_bytes(original.to_bytes()) == original


@pytest.mark.parametrize("event", EVENTS)
def test_unknown_newer_fields_are_ignored(event: type[Event]) -> None:
    newer = event.from_bytes(with_changes(event, schema_version="1.7", added_later=[1, 2]))
    assert not hasattr(newer, "added_later")


@pytest.mark.parametrize("event", EVENTS)
@pytest.mark.parametrize("version", ["2.0", "0.9", "", "x"])
def test_another_major_version_is_refused(event: type[Event], version: str) -> None:
    with pytest.raises(InvalidEventError, match="schema_version"):
        event.from_bytes(with_changes(event, schema_version=version))


@pytest.mark.parametrize("event", EVENTS)
@pytest.mark.parametrize("data", [None, b"", b"not json", b"[]", b"\xff\xfe", b"{", b"{}"])
def test_what_is_no_event_is_refused_with_a_reason(event: type[Event], data: bytes | None) -> None:
    with pytest.raises(InvalidEventError, match=r"\w+: "):
        event.from_bytes(data)


@pytest.mark.parametrize("event", EVENTS)
def test_events_are_immutable(event: type[Event]) -> None:
    made = event.model_validate(event.example)
    with pytest.raises(ValueError, match="frozen"):
        made.schema_version = "1.1"  # type: ignore[misc]
