import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from services.trainer.tests.assignments import assignment_of

from closecast.events import Quote
from closecast.forecasting.panel import Panel
from closecast_trainer.worker import Assignment, Failed, WorkerCancelledError, run_worker

MakeQuotes = Callable[..., list[Quote]]


@pytest.fixture
def assignment(make_quotes: MakeQuotes, tmp_path: Path) -> Assignment:
    return assignment_of(Panel.from_quotes(make_quotes("AAPL")), tmp_path)


def workers_of(parent: psutil.Process) -> list[psutil.Process]:
    return [child for child in parent.children() if any("closecast_trainer.worker" in word for word in child.cmdline())]


def wait_for_worker(parent: psutil.Process) -> psutil.Process:
    deadline = time.monotonic() + 60
    while not (workers := workers_of(parent)):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return workers[0]


def test_a_training_that_cannot_be_done_says_why_in_one_line(assignment: Assignment) -> None:
    outcome = run_worker(assignment, lambda _: None, threading.Event())
    assert isinstance(outcome, Failed)
    assert outcome.reason.startswith("the panel has 30 sessions, a training needs")
    assert "Traceback" in outcome.details
    assert workers_of(psutil.Process()) == []


def test_a_champion_of_the_panel_that_cannot_be_read_leaves_nothing_unjudged(assignment: Assignment) -> None:
    unreadable = replace(assignment, panel_champion=assignment.plots / "nothing")

    outcome = run_worker(unreadable, lambda _: None, threading.Event())

    assert isinstance(outcome, Failed)
    assert outcome.reason.startswith(
        "the panel's champion, which a symbol's own model has to beat, cannot be read: spec"
    )


def test_a_stop_is_immediate_and_leaves_nothing_behind(assignment: Assignment) -> None:
    cancelled = threading.Event()
    threading.Timer(1.0, cancelled.set).start()
    began = time.monotonic()
    with pytest.raises(WorkerCancelledError):
        run_worker(assignment, lambda _: None, cancelled)
    assert time.monotonic() - began < 5
    assert workers_of(psutil.Process()) == []


def test_a_worker_that_the_system_kills_is_one_failed_training(assignment: Assignment) -> None:
    threading.Thread(target=lambda: wait_for_worker(psutil.Process()).send_signal(signal.SIGKILL)).start()
    outcome = run_worker(assignment, lambda _: None, threading.Event())
    assert isinstance(outcome, Failed)
    assert outcome.reason == "the training process was killed, as the system does when memory runs out"


PARENT = """
import threading
from pathlib import Path
from closecast_trainer import worker

worker._COMMAND = ("-P", "-c", "import time; import closecast_trainer.worker as worker; "
    "worker._train = lambda *_: time.sleep(600); worker.main()")
worker.run_worker("assignment", print, threading.Event())
"""


def test_a_worker_ends_with_its_parent_even_if_that_is_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT]) as parent:
        try:
            worker = wait_for_worker(psutil.Process(parent.pid))
            time.sleep(3)
            assert worker.is_running()
        finally:
            parent.kill()
    psutil.wait_procs([worker], timeout=20)
    assert not worker.is_running()
