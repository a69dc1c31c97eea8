import random
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from closecast.events import Quote
from closecast.forecasting.panel import Panel
from closecast.forecasting.series import InvalidSeriesError
from closecast_trainer.history import History, HistoryInUseError, PastTraining

MakeQuotes = Callable[..., list[Quote]]
TOPIC = "quotes/1"


def test_the_panel_holds_what_was_stored(history: History, make_quotes: MakeQuotes) -> None:
    quotes = make_quotes("AAPL", sessions=30) + make_quotes("FB", sessions=12)
    history.store(quotes, TOPIC, {0: 42})
    assert history.panel().fingerprint() == Panel.from_quotes(quotes).fingerprint()
    assert history.panel().symbols == ("AAPL", "FB")
    assert history.count_quotes() == 42


def test_the_panel_is_cut_to_symbols_and_sessions(history: History, make_quotes: MakeQuotes) -> None:
    quotes = make_quotes("AAPL", "FB", "IBM", sessions=30)
    history.store(quotes, TOPIC, {})
    start, end = quotes[4].session, quotes[9].session
    panel = history.panel(["IBM", "AAPL"], start, end)
    assert panel.symbols == ("AAPL", "IBM")
    assert panel.lengths.tolist() == [6, 6]
    assert panel.sessions.min() == np.datetime64(start)
    assert panel.sessions.max() == np.datetime64(end)


@pytest.mark.parametrize("arguments", [(), (["FB"],), ([], date(2030, 1, 1))])
def test_a_panel_of_nothing_is_refused(history: History, make_quotes: MakeQuotes, arguments: tuple[object]) -> None:
    if arguments:
        history.store(make_quotes("AAPL"), TOPIC, {})
    with pytest.raises(InvalidSeriesError, match="no quotes are known"):
        history.panel(*arguments)  # type: ignore[arg-type]


def test_the_latest_revision_wins_in_whatever_order_it_comes(history: History, make_quotes: MakeQuotes) -> None:
    (first,) = make_quotes("AAPL", sessions=1)
    second = first.model_copy(update={"revision": 1, "close": first.high})
    history.store([first], TOPIC, {0: 1})
    history.store([second], TOPIC, {0: 2})
    history.store([first], TOPIC, {0: 3})
    assert history.panel().last_close.tolist() == [first.high]
    assert history.count_quotes() == 1


@settings(max_examples=25)
@given(order=st.permutations(range(6)), cut=st.integers(0, 6))
def test_the_highest_revision_wins_within_and_across_batches(
    make_quotes: MakeQuotes, tmp_path_factory: pytest.TempPathFactory, order: list[int], cut: int
) -> None:
    quotes = make_quotes("AAPL", sessions=2)
    revised = [
        quotes[number % 2].model_copy(update={"revision": number, "close": quotes[0].close + number / 100})
        for number in order
    ]
    history = History(tmp_path_factory.mktemp("history"))
    try:
        history.store(revised[:cut], TOPIC, {})
        history.store(revised[cut:], TOPIC, {})
        assert history.panel().close[0].tolist() == [quotes[0].close + 0.04, quotes[0].close + 0.05]
    finally:
        history.close()


def test_the_same_content_has_the_same_fingerprint(make_quotes: MakeQuotes, history: History, tmp_path: Path) -> None:
    quotes = make_quotes("AAPL", "IBM")
    history.store(quotes, TOPIC, {})
    other = History(tmp_path / "other")
    read_again = [quote.model_copy(update={"as_of": datetime.now(UTC), "source": "other"}) for quote in quotes]
    random.Random(1).shuffle(read_again)
    for quote in read_again:
        other.store([quote], TOPIC, {})
    assert other.panel().fingerprint() == history.panel().fingerprint()
    other.store([quotes[3].model_copy(update={"close": quotes[3].high, "revision": 1})], TOPIC, {})
    assert other.panel().fingerprint() != history.panel().fingerprint()
    other.close()


def test_offsets_belong_to_one_life_of_a_topic(history: History) -> None:
    history.store([], "quotes/1", {0: 10, 1: 5})
    history.store([], "quotes/1", {1: 6})
    assert history.offsets("quotes/1") == {0: 10, 1: 6}
    assert history.offsets("quotes/2") == {}


def test_everything_is_there_after_opening_again(tmp_path: Path, make_quotes: MakeQuotes) -> None:
    first = History(tmp_path)
    first.store(make_quotes("AAPL"), TOPIC, {0: 30})
    fingerprint = first.panel().fingerprint()
    first.close()
    second = History(tmp_path)
    assert second.panel().fingerprint() == fingerprint
    assert second.offsets(TOPIC) == {0: 30}
    second.close()


def test_a_batch_that_fails_leaves_neither_rows_nor_offsets(history: History, make_quotes: MakeQuotes) -> None:
    with pytest.raises(Exception, match="INT32"):
        history.store(make_quotes("AAPL"), TOPIC, {0: 30, 2**40: 1})
    assert history.count_quotes() == 0
    assert history.offsets(TOPIC) == {}
    history.store(make_quotes("AAPL"), TOPIC, {0: 30})
    assert history.count_quotes() == 30


WRITER = """
import itertools, sys
from datetime import date, timedelta
from pathlib import Path
from closecast.events import Quote
from closecast_trainer.history import History

history = History(Path(sys.argv[1]))
price = {"open": 1.0, "high": 1.0, "low": 1.0, "close": 1.0, "adjusted_close": 1.0, "volume": 1}
done = history.offsets("quotes/1").get(0, 0)
print("ready", flush=True)
for number in itertools.count(done // 3):
    quotes = [
        Quote.model_construct(
            symbol=f"S{row}", session=date(1900, 1, 1) + timedelta(days=number), exchange="XNYS", currency="USD",
            source="test", as_of=None, revision=0, dividend=0.0, split=1.0, **price
        )
        for row in range(3)
    ]
    history.store(quotes, "quotes/1", {0: 3 * (number + 1)})
"""


def test_a_kill_never_separates_rows_from_offsets(tmp_path: Path) -> None:
    stored = []
    for attempt in range(3):
        with subprocess.Popen([sys.executable, "-c", WRITER, tmp_path], stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout is not None
            assert writer.stdout.readline() == "ready\n"
            time.sleep(random.Random(attempt).uniform(0.05, 0.4))
            writer.kill()
        history = History(tmp_path)
        assert history.count_quotes() == history.offsets(TOPIC).get(0, 0)
        stored.append(history.count_quotes())
        history.close()
    assert stored == sorted(stored)
    assert stored[-1] > stored[0] > 0


def test_a_history_that_another_process_holds_is_refused(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", WRITER, tmp_path], stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
        with pytest.raises(HistoryInUseError, match="open in another process"):
            History(tmp_path)
        writer.kill()
    History(tmp_path).close()


def test_a_panel_is_read_as_one_snapshot_while_quotes_are_stored(history: History, make_quotes: MakeQuotes) -> None:
    quotes = make_quotes("AAPL", "IBM", sessions=150)
    batches = [[quotes[row], quotes[row + 150]] for row in range(150)]
    history.store(batches[0], TOPIC, {0: 1})
    with ThreadPoolExecutor(1) as reader:
        for number, batch in enumerate(batches[1:]):
            reading = reader.submit(history.panel) if number % 15 == 0 else None
            history.store(batch, TOPIC, {0: number})
            if reading is not None:
                lengths = reading.result().lengths
                assert lengths[0] == lengths[1]


def test_sixteen_thousand_quotes_are_stored_within_two_seconds(history: History, make_quotes: MakeQuotes) -> None:
    quotes = make_quotes(*(f"S{number}" for number in range(8)), start=date(2005, 1, 3), sessions=2000)
    began = time.perf_counter()
    for first in range(0, len(quotes), 4000):
        history.store(quotes[first : first + 4000], TOPIC, {0: first})
    assert time.perf_counter() - began < 2
    assert history.count_quotes() == 16_000


def test_sessions_are_counted_once_for_all_symbols(history: History, make_quotes: MakeQuotes) -> None:
    assert history.count_sessions() == 0
    quotes = make_quotes("AAPL", "IBM", sessions=30)
    history.store(quotes, TOPIC, {})
    assert history.count_sessions() == 30
    assert history.count_sessions(after=quotes[9].session) == 20


def test_the_last_training_of_a_model_is_remembered(history: History) -> None:
    def training(model: str, days: int) -> PastTraining:
        finished_at = datetime(2020, 1, 1, tzinfo=UTC) + timedelta(days=days)
        return PastTraining(model, "fingerprint", date(2019, 12, 31), "promoted", finished_at)

    assert history.last_training("one") is None
    history.record_training(uuid4(), training("one", 0), whole_universe=True)
    history.record_training(uuid4(), training("one", 2), whole_universe=True)
    history.record_training(uuid4(), training("two", 3), whole_universe=True)
    history.record_training(uuid4(), training("one", 4), whole_universe=False)
    assert history.last_training("one") == training("one", 2)


def test_a_request_answered_twice_is_one_training(history: History) -> None:
    request_id = uuid4()
    first = PastTraining("one", "", None, "failed", datetime(2020, 1, 1, tzinfo=UTC))
    second = PastTraining("one", "f", date(2020, 1, 2), "promoted", datetime(2020, 1, 3, tzinfo=UTC))
    history.record_training(request_id, first, whole_universe=True)
    history.record_training(request_id, second, whole_universe=True)
    assert history.last_training("one") == second
