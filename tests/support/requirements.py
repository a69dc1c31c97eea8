"""Tests that need something this machine may lack: they skip with a reason, or fail where nothing may be skipped."""

import os
from typing import Final, NoReturn

import pytest

REQUIRE_ALL: Final = os.environ.pop("CLOSECAST_REQUIRE_ALL", "") == "1"
"""Taken out of the environment because the services under test refuse keys that are none of theirs."""


def skip_or_fail(reason: str) -> NoReturn:
    """Skip the test, or fail it where ``CLOSECAST_REQUIRE_ALL=1`` says that every test must run."""
    if REQUIRE_ALL:
        pytest.fail(f"CLOSECAST_REQUIRE_ALL=1, but this test {reason}", pytrace=False)
    pytest.skip(reason)
