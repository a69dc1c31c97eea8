"""Somebody who asks for a forecast again and again while something happens to the system."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

import httpx

from tests.support.release import Release

_ASKERS: Final = 4
_EACH_S: Final = 0.1


@dataclass
class Asked:
    """What was answered.

    Attributes:
        good: Requests that were answered with 200.
        failures: What became of the others, and when.
    """

    good: int = 0
    failures: list[str] = field(default_factory=list)


@contextmanager
def asking_for(release: Release, path: str) -> Iterator[Asked]:
    """Ask 40 times a second through the ingress for the length of a block; afterwards no request is under way."""
    asked, lock, ended = Asked(), threading.Lock(), threading.Event()

    def ask() -> None:
        with release.client() as client:
            while not ended.wait(_EACH_S):
                failure = ""
                try:
                    answer = client.get(path)
                    failure = (
                        "" if answer.status_code == httpx.codes.OK else f"{answer.status_code} {answer.text[:200]}"
                    )
                except httpx.HTTPError as error:
                    failure = repr(error)
                with lock:
                    asked.good += not failure
                    asked.failures += [f"{time.strftime('%H:%M:%S')} {failure}"] if failure else []

    threads = [threading.Thread(target=ask) for _ in range(_ASKERS)]
    for thread in threads:
        thread.start()
    try:
        yield asked
    finally:
        ended.set()
        for thread in threads:
            thread.join()
