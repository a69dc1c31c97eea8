import pytest

from closecast.kafka import InvalidRecordLimits, InvalidRecordPolicy, TooManyInvalidRecordsError


def test_single_bad_records_are_set_aside() -> None:
    policy = InvalidRecordPolicy(InvalidRecordLimits(max_invalid_ratio=0.2, max_consecutive=3, window=10))
    for _ in range(100):
        for _ in range(8):
            policy.valid()
        policy.invalid("close: 0")


def test_too_many_in_a_row_stop_the_reader() -> None:
    policy = InvalidRecordPolicy(InvalidRecordLimits(max_consecutive=3))
    for _ in range(3):
        policy.invalid("close: 0")
    with pytest.raises(TooManyInvalidRecordsError, match=r"4 bad records in a row.*close: 0"):
        policy.invalid("close: 0")


def test_too_large_a_share_stops_the_reader() -> None:
    policy = InvalidRecordPolicy(InvalidRecordLimits(max_invalid_ratio=0.2, max_consecutive=100, window=10))
    for _ in range(10):
        policy.valid()
    for _ in range(2):
        policy.invalid("close: 0")
        policy.valid()
    with pytest.raises(TooManyInvalidRecordsError, match="3 of the last 10"):
        policy.invalid("close: 0")
