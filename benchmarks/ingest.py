"""CSV files to Kafka, validation included, beside kafka-python's own producer sending the same bytes.

Of Closecast is timed: reading the files, checking every row, comparing with the ledger, JSON, sending, committing.
Of the peers is timed: sending records that lie ready in memory, in transactions of as many records, and without any.
Closecast asks kafka-python for larger requests than its default; a peer with the same is shown as well. All write to
the same real Apache Kafka, each to a topic of its own with as many partitions.

    python -m benchmarks.ingest [--bootstrap host:port] [--rounds 5]
"""

import argparse
import gc
import statistics
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final, Self

from kafka import KafkaProducer
from tests.support.kafka.broker import KafkaBroker

from benchmarks.report import Figures, Target, report
from closecast.kafka import KafkaSettings, ensure_topics, new_consumer, partitions_of, read_to_end
from closecast.telemetry.logs import LogSettings, configure_logs
from closecast_ingestor.__main__ import spare_the_collector
from closecast_ingestor.download import write_csv
from closecast_ingestor.publishing import Publication
from closecast_ingestor.rounds import run_round
from closecast_ingestor.settled import Prepared, Window
from closecast_ingestor.sources.base import Source
from closecast_ingestor.sources.csv_folder import CsvFolder
from closecast_ingestor.sources.sample import Sample

B3: Final = Path(__file__).resolve().parents[2] / "shared" / "data" / "b3"
PARTITIONS: Final = 8
BATCH: Final = 2000
NEEDED: Final = 0.6

Sent = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Timing:
    """How long something took, by the clock and on the processors of this process (all threads)."""

    seconds: float
    processor_seconds: float

    @classmethod
    def begin(cls) -> Self:
        """Return the present."""
        return cls(time.perf_counter(), time.process_time())

    def end(self) -> Self:
        """Return how long it is since."""
        return type(self)(time.perf_counter() - self.seconds, time.process_time() - self.processor_seconds)


def main() -> int:
    """Measure, report, and return 0 if the target was met."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bootstrap", help="address of a Kafka that runs already; by default one is started")
    parser.add_argument("--rounds", type=int, default=5, help="how often each is measured; the median counts")
    options = parser.parse_args()
    spare_the_collector()
    configure_logs(LogSettings(level="error"), "benchmark")
    with tempfile.TemporaryDirectory() as scratch, _broker(options.bootstrap, Path(scratch)) as bootstrap:
        source = CsvFolder(B3 if B3.is_dir() else _sample_files(Path(scratch) / "sample"))
        new_topics = partial(_new_topics, bootstrap)
        records = _records_of(new_topics(), source)
        contenders: dict[str, Callable[[], Timing]] = {
            "Closecast, from CSV": lambda: _ingest(new_topics(), source),
            "kafka-python, transactions": lambda: _send(new_topics(), records),
            "kafka-python, transactions, large requests": lambda: _send(new_topics(), records, batch_size=256 * 1024),
            "kafka-python, idempotent": lambda: _send(new_topics(), records, transactional=False),
        }
        timings: dict[str, list[Timing]] = {name: [] for name in contenders}
        for _ in range(options.rounds):
            for name, contender in contenders.items():
                gc.collect()
                timings[name].append(contender())
    return 0 if _report(len(records), timings) else 1


def _report(records: int, timings: dict[str, list[Timing]]) -> bool:
    seconds = {name: statistics.median(each.seconds for each in times) for name, times in timings.items()}
    ours, transactional, *_ = seconds.values()
    rows: dict[str, Figures] = {
        name: {
            "seconds": round(seconds[name], 3),
            "fastest": round(min(each.seconds for each in times), 3),
            "slowest": round(max(each.seconds for each in times), 3),
            "CPU seconds": round(statistics.median(each.processor_seconds for each in times), 3),
            "records/s": round(records / seconds[name]),
            "Closecast / it": round(seconds[name] / ours, 2),
        }
        for name, times in timings.items()
    }
    target = Target("throughput against kafka-python's producer", round(transactional / ours, 3), NEEDED)
    title = f"CSV to Kafka, {records:,} records, median of {len(next(iter(timings.values())))} rounds"
    return report("ingest", title, rows, [target])


@contextmanager
def _broker(bootstrap: str | None, scratch: Path) -> Iterator[str]:
    if bootstrap:
        yield bootstrap
    else:
        folder = scratch / "kafka"
        folder.mkdir()
        with KafkaBroker(folder) as broker:
            yield broker.bootstrap_servers


def _sample_files(folder: Path) -> Path:
    window = _window()
    sample = Sample()
    _round(sample, window, partial(write_csv, folder))
    return folder


def _new_topics(bootstrap: str) -> KafkaSettings:
    settings = KafkaSettings(
        bootstrap_servers=bootstrap, topic_prefix=f"bench-{uuid.uuid4().hex[:8]}.", partitions=PARTITIONS
    )
    ensure_topics(settings, [settings.topics.quotes, settings.topics.quotes.dead_letters])
    return settings


def _ingest(settings: KafkaSettings, source: Source) -> Timing:
    window = _window()
    with Publication(settings, f"{settings.topic_prefix}ingestor", source.symbols(), window.now, BATCH) as publication:
        timing = Timing.begin()
        _round(source, window, publication.add)
        publication.flush()
        return timing.end()


def _send(settings: KafkaSettings, records: Sent, *, transactional: bool = True, **options: Any) -> Timing:
    """Send with kafka-python's own defaults but for the guarantees, which are Closecast's."""
    if transactional:
        options["transactional_id"] = f"{settings.topic_prefix}peer"
    producer = KafkaProducer(
        bootstrap_servers=settings.bootstrap_servers, acks="all", enable_idempotence=True, **options
    )
    topic = settings.topics.quotes.name
    producer.partitions_for(topic)
    if transactional:
        producer.init_transactions()
    timing = Timing.begin()
    for first in range(0, len(records), BATCH):
        if transactional:
            producer.begin_transaction()
        futures = [producer.send(topic, **record) for record in records[first : first + BATCH]]
        if transactional:
            producer.flush()
            _wait(futures)
            producer.commit_transaction()
    producer.flush()
    timing = timing.end()
    producer.close()
    return timing


def _wait(futures: Sequence[Any]) -> None:
    for future in futures:
        future.get(timeout=0)


def _records_of(settings: KafkaSettings, source: Source) -> Sent:
    """Return what Closecast publishes, as kafka-python takes it."""
    _ingest(settings, source)
    consumer = new_consumer(settings, "benchmark")
    partitions = partitions_of(consumer, settings.topics.quotes)
    found = read_to_end(consumer, dict.fromkeys(partitions, 0))
    records = [
        {"key": each.key, "value": each.value, "partition": each.partition, "timestamp_ms": each.timestamp}
        for each in found
    ]
    consumer.close()
    return records


def _round(source: Source, window: Window, hand_on: Callable[[Prepared], None]) -> None:
    run_round(source, source.symbols(), window, hand_on, threading.Event())


def _window() -> Window:
    now = datetime.now(UTC)
    return Window(start=date(1990, 1, 1), end=now.date(), now=now, delay=timedelta(hours=1))


if __name__ == "__main__":
    sys.exit(main())
