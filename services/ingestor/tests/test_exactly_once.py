"""However often it is killed, and however many are started: every session once, none lost."""

import csv
import random
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from bokeh_sampledata import stocks
from services.ingestor.tests.processes import Ingestor, run

from closecast.events import Quote
from closecast.kafka import KafkaSettings, new_consumer
from closecast.kafka.reader import partitions_of, read_to_end
from closecast.topics import Topic

pytestmark = [pytest.mark.kafka, pytest.mark.slow, pytest.mark.timeout(900)]

SYMBOLS = ("AAPL", "GOOG", "IBM", "MSFT")
BAD_LINES = ("2005-07-04,1,1,1,1,1,1", "2005-07-05,1,1,1,0,1,1", "2099-01-05,1,1,1,1,1,1", "2005-07-06,x,1,1,1,1,1")
KILLS = 20
MOST_BATCHES = 25
"""Between start and kill; even if every run got as far, the last would not come to the end of the files."""

READ_LEDGER = "read what Kafka holds"
COMMITTED = "batch committed"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Real quotes as CSV files, each with four bad lines in the midst."""
    for symbol in SYMBOLS:
        columns = getattr(stocks, symbol)
        names = ("date", "open", "high", "low", "close", "adj_close", "volume")
        lines = [",".join(map(str, values)) for values in zip(*(columns[name] for name in names), strict=True)]
        bad_days = {line[:10] for line in BAD_LINES}
        lines = [line for line in lines if line[:10] not in bad_days]
        middle = next(index for index, line in enumerate(lines) if line > "2005-07-04")
        lines[middle:middle] = BAD_LINES
        (tmp_path / f"{symbol}.csv").write_text("\n".join(["Date,Open,High,Low,Close,Adj Close,Volume", *lines]) + "\n")
    return tmp_path


def backfill(folder: Path, batch_size: int) -> tuple[str, ...]:
    return (
        "backfill", "--source", "csv", "--csv-folder", str(folder), "--start", "2000-01-01",
        "--batch-size", str(batch_size), "--log.level", "debug",
    )  # fmt: skip


def records(settings: KafkaSettings, topic: Topic) -> list[Any]:
    consumer = new_consumer(settings, "test-reader")
    try:
        return list(read_to_end(consumer, dict.fromkeys(partitions_of(consumer, topic), 0)))
    finally:
        consumer.close()


def sessions_held(settings: KafkaSettings) -> int:
    try:
        return len(records(settings, settings.topics.quotes))
    except LookupError:  # it was killed before it made the topic
        return 0


def expected(folder: Path) -> dict[str, tuple[float, ...]]:
    """Return what the files say of every good session."""
    found = {}
    for path in folder.glob("*.csv"):
        with path.open() as file:
            for line in csv.DictReader(file):
                if ",".join(line.values()) not in BAD_LINES:
                    values = tuple(float(line[name]) for name in ("Open", "High", "Low", "Close", "Volume"))
                    found[f"{path.stem}|{line['Date']}"] = values
    return found


def assert_each_session_once(settings: KafkaSettings, folder: Path) -> None:
    found = records(settings, settings.topics.quotes)
    times = Counter(record.key.decode() for record in found)
    wanted = expected(folder)
    assert [key for key, count in times.items() if count > 1] == []
    assert times.keys() == wanted.keys()
    quotes = [Quote.from_bytes(record.value) for record in found]
    assert {quote.revision for quote in quotes} == {0}
    for quote in quotes:
        values = (quote.open, quote.high, quote.low, quote.close, quote.volume)
        assert values == pytest.approx(wanted[quote.key().decode()], abs=1e-6)
    letters = Counter((record.key, record.value) for record in records(settings, settings.topics.quotes.dead_letters))
    assert set(letters.values()) == {1}
    assert len(letters) == len(SYMBOLS) * len(BAD_LINES)


def test_twenty_kills_at_random_points_lose_nothing_and_double_nothing(
    kafka_settings: KafkaSettings, folder: Path
) -> None:
    generator = random.Random(20)
    held = []
    for number in range(KILLS):
        with Ingestor(kafka_settings, *backfill(folder, batch_size=10)) as ingestor:
            if number % 5:  # while it publishes: by batches, not by time, so that no quick machine gets to the end
                ingestor.wait_for(COMMITTED, times=generator.randint(1, MOST_BATCHES))
                time.sleep(generator.uniform(0, 0.02))
            else:  # anywhere in its first seconds
                time.sleep(generator.uniform(0, 2))
            assert ingestor.kill(), f"it ended by itself before kill {number}: {ingestor.log}"
        held.append(sessions_held(kafka_settings))

    status, log = run(kafka_settings, *backfill(folder, batch_size=2000))

    assert status == 0, log
    assert 0 < held[-1] < len(expected(folder)), f"the kills hit no half-done backfill: {held}"
    assert len(set(held)) > KILLS / 2, f"the kills hit the same point over and over: {held}"
    assert_each_session_once(kafka_settings, folder)


def test_two_started_at_once_publish_each_session_once(kafka_settings: KafkaSettings, folder: Path) -> None:
    command = backfill(folder, batch_size=20)
    with Ingestor(kafka_settings, *command) as one, Ingestor(kafka_settings, *command) as other:
        statuses = {one.wait(): one, other.wait(): other}
    assert sorted(statuses) == [0, 3], [each.log for each in statuses.values()]
    fenced = statuses[3].log
    assert "a newer instance has taken over" in fenced
    assert "Traceback" not in fenced
    assert_each_session_once(kafka_settings, folder)


def test_a_newer_instance_stops_one_in_the_midst_of_its_work(kafka_settings: KafkaSettings, folder: Path) -> None:
    with Ingestor(kafka_settings, *backfill(folder, batch_size=5)) as older:
        older.wait_for(READ_LEDGER)
        status, log = run(kafka_settings, *backfill(folder, batch_size=2000))
        assert (status, older.wait()) == (0, 3), (log, older.log)
    assert_each_session_once(kafka_settings, folder)
