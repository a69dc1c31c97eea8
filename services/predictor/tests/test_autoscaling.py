import time
from types import SimpleNamespace

import pytest

from closecast_predictor.autoscaling import BusyMeter, BusyPolicy


def context(busy: dict[str, float], requests: float = 0.0) -> SimpleNamespace:
    return SimpleNamespace(
        aggregated_metrics={"busy": busy} if busy else {},
        total_num_requests=requests,
        config=SimpleNamespace(target_ongoing_requests=32),
    )


@pytest.mark.parametrize(
    ("busy", "replicas"),
    [
        ({}, 1),
        ({"a": 0.0}, 1),
        ({"a": 0.69}, 1),
        ({"a": 0.95}, 2),
        ({"a": 0.9, "b": 0.9}, 3),
        ({"a": 0.3, "b": 0.3}, 1),
    ],
)
def test_replicas_follow_how_busy_they_are(busy: dict[str, float], replicas: int) -> None:
    wanted, state = BusyPolicy(0.7)(context(busy))

    assert (wanted, state) == (replicas, {})


def test_requests_that_wait_count_too() -> None:
    wanted, _ = BusyPolicy(0.7)(context({"a": 0.1}, requests=70.0))

    assert wanted == 3


def test_a_thread_that_works_is_busy_and_one_that_sleeps_is_not() -> None:
    meter = BusyMeter()
    until = time.perf_counter() + 0.3
    while time.perf_counter() < until:
        pass
    working = meter.read()
    time.sleep(0.3)
    sleeping = meter.read()

    assert 0.7 < working <= 1.0
    assert sleeping < 0.3
