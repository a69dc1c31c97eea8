import threading
import time

from services.predictor.tests.support import quotes_of

from closecast_predictor.cache import LoadedModel
from closecast_predictor.champion import Retired
from closecast_predictor.inbox import Inbox

QUOTES = quotes_of("PETR4.SA", 6)


def test_a_burst_is_gathered_in_order() -> None:
    inbox = Inbox(0.05)
    inbox.put([QUOTES[0]])
    inbox.put([QUOTES[1], QUOTES[2]])

    work = inbox.gather()

    assert work is not None
    assert work.events == QUOTES[:3]


def test_what_comes_a_moment_later_belongs_to_the_burst() -> None:
    inbox = Inbox(0.5)
    inbox.put([QUOTES[0]])
    later = threading.Timer(0.1, inbox.put, ([QUOTES[1]],))
    later.start()

    work = inbox.gather()

    assert work is not None
    assert work.events == QUOTES[:2]


def test_a_model_is_not_kept_waiting() -> None:
    inbox = Inbox(5.0)
    inbox.put(LoadedModel.base("closecast-panel"))
    started = time.perf_counter()

    work = inbox.gather()

    assert work is not None
    assert set(work.models) == {"closecast-panel"}
    assert time.perf_counter() - started < 1.0


def test_the_latest_change_of_each_model_counts() -> None:
    inbox = Inbox(0.0)
    first, second, other = LoadedModel.base("one"), LoadedModel.base("one"), LoadedModel.base("two")
    for change in (first, other, second, Retired("two")):
        inbox.put(change)

    work = inbox.gather()

    assert work is not None
    assert work.models["one"] is second
    assert work.models["two"] == Retired("two")


def test_a_stream_without_a_pause_is_cut_into_pieces() -> None:
    inbox = Inbox(0.2)
    stop = threading.Event()

    def stream() -> None:
        while not stop.is_set():
            inbox.put([QUOTES[0]])
            time.sleep(0.01)

    thread = threading.Thread(target=stream)
    thread.start()
    try:
        started = time.perf_counter()
        work = inbox.gather()
        took = time.perf_counter() - started
    finally:
        stop.set()
        thread.join()

    assert work is not None
    assert work.events
    assert took < 2.0


def test_the_reader_ends_when_the_inbox_is_closed() -> None:
    inbox = Inbox(0.0)
    inbox.close()

    assert inbox.gather() is None


def test_nothing_in_time_is_empty_work() -> None:
    work = Inbox(0.0).gather(timeout_s=0.01)

    assert work is not None
    assert (work.events, work.models) == ([], {})
