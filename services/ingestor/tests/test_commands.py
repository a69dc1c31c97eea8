"""The real command, as a user starts it."""

import json
import urllib.request
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from services.ingestor.tests.processes import Ingestor, run
from services.ingestor.tests.yahoo_server import Bar, Stock, YahooServer

from closecast.calendars import calendar_of
from closecast.events import BackfillRequest, Quote
from closecast.kafka import KafkaSettings, Publisher, new_consumer
from closecast.kafka.reader import partitions_of, read_to_end
from closecast.ports import free_ports

CsvWriter = Callable[..., Path]
YAHOO = "Date,Open,High,Low,Close,Adj Close,Volume"
NOBODY = KafkaSettings(bootstrap_servers="127.0.0.1:1", topic_prefix="t.")


def quotes(settings: KafkaSettings) -> list[Quote]:
    consumer = new_consumer(settings, "test-reader")
    try:
        records: list[Any] = list(
            read_to_end(consumer, dict.fromkeys(partitions_of(consumer, settings.topics.quotes), 0))
        )
        return [Quote.from_bytes(record.value) for record in records]
    finally:
        consumer.close()


def recent_sessions(count: int) -> list[str]:
    calendar, today = calendar_of("XNYS"), datetime.now(UTC).date()
    settled = calendar.last_settled(datetime.now(UTC), timedelta(hours=1))
    return [str(session) for session in calendar.sessions(today - timedelta(days=60), settled)[-count:]]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "status", "line"),
    [
        (["backfill", "--source", "sample"], 2, "backfill needs --start"),
        (["once", "--symbols", "../../etc"], 2, "is not a symbol"),
        (["once", "--source", "csv", "--csv-folder", "nowhere"], 1, "nowhere is no folder"),
        (
            ["replay", "--source", "sample", "--kafka.connect-timeout-s", "1"],
            1,
            "no Kafka broker answers at 127.0.0.1:1",
        ),
    ],
)
def test_a_fault_gives_one_clear_line_and_no_traceback(arguments: list[str], status: int, line: str) -> None:
    found, log = run(NOBODY, *arguments)
    assert found == status
    assert line in log
    assert "Traceback" not in log


@pytest.mark.slow
def test_what_is_downloaded_reads_back_as_the_same_quotes(kafka_settings: KafkaSettings, tmp_path: Path) -> None:
    settings = ("--start", "2005-02-01", "--end", "2013-03-01", "--symbols", "AAPL,MSFT")
    assert run(None, "download", "--source", "sample", "--output", tmp_path / "got", *settings)[0] == 0
    assert (tmp_path / "got" / "AAPL.csv").read_text().startswith(YAHOO + "\n2005-02-01,")

    assert run(kafka_settings, "backfill", "--source", "sample", *settings)[0] == 0
    before = quotes(kafka_settings)
    status, log = run(kafka_settings, "backfill", "--source", "csv", "--csv-folder", tmp_path / "got", *settings)

    assert (status, len(quotes(kafka_settings))) == (0, len(before)), log
    assert '"correction"' not in log


@pytest.mark.slow
def test_a_replay_goes_session_by_session_and_resumes(kafka_settings: KafkaSettings) -> None:
    command = ("replay", "--source", "sample", "--start", "2013-01-02", "--log.level", "debug")
    with Ingestor(kafka_settings, *command, "--speed", "5") as ingestor:
        ingestor.wait_for("batch committed")
        ingestor.terminate()
        assert ingestor.wait() == 1, "it was stopped before the end"
    held = quotes(kafka_settings)
    assert 0 < len(held) < 200
    assert {len([q for q in held if q.session == session]) for session in {q.session for q in held}} == {5}

    assert run(kafka_settings, *command, "--speed", "max")[0] == 0
    after = quotes(kafka_settings)
    assert len(after) == 5 * len({quote.session for quote in after}) == 5 * 41
    assert {quote.revision for quote in after} == {0}


@pytest.mark.slow
def test_run_catches_up_serves_metrics_waits_and_stops_when_told(
    kafka_settings: KafkaSettings, write_csv: CsvWriter
) -> None:
    sessions = recent_sessions(5)
    folder = write_csv("AAPL", YAHOO, *(f"{session},1,1,1,1,1,1" for session in sessions))
    (port,) = free_ports(1)
    arguments = ("run", "--source", "csv", "--csv-folder", str(folder), "--metrics.port", str(port))
    with Ingestor(kafka_settings, *arguments) as ingestor:
        ingestor.wait_for("waiting for the next round")
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
            metrics = answer.read().decode()
        ingestor.terminate()
        assert ingestor.wait(20) == 0
    assert [str(quote.session) for quote in quotes(kafka_settings)] == sessions
    assert 'closecast_ingestor_quotes_published_total{exchange="XNYS",kind="new"} 5.0' in metrics
    assert 'closecast_ingestor_rounds_total{outcome="complete"} 1.0' in metrics
    lines = [json.loads(line) for line in ingestor.log.splitlines()]
    assert {line["service"] for line in lines} == {"ingestor"}


@pytest.mark.slow
def test_run_keeps_what_was_fetched_up_to_date_after_a_restart_too(
    kafka_settings: KafkaSettings, write_csv: CsvWriter
) -> None:
    sessions = recent_sessions(3)
    lines = [f"{session},1,1,1,1,1,1" for session in sessions]
    folder = write_csv("AAPL", YAHOO, *lines)
    write_csv("MSFT", YAHOO, *lines[:2])
    arguments = ("run", "--source", "csv", "--csv-folder", str(folder), "--symbols", "AAPL", "--log.level", "debug")
    with Ingestor(kafka_settings, *arguments) as ingestor:
        ingestor.wait_for("waiting for the next round")
        publisher = Publisher(kafka_settings, "test")
        publisher.send(kafka_settings.topics.backfill_requests, BackfillRequest(symbol="MSFT"))
        publisher.close()
        ingestor.wait_for('"outcome": "served"')
        ingestor.terminate()
        assert ingestor.wait(20) == 0
    assert [str(quote.session) for quote in quotes(kafka_settings) if quote.symbol == "MSFT"] == sessions[:2]

    write_csv("MSFT", YAHOO, *lines)
    with Ingestor(kafka_settings, *arguments) as ingestor:
        ingestor.wait_for('"new": 1')
    assert [str(quote.session) for quote in quotes(kafka_settings) if quote.symbol == "MSFT"] == sessions


@pytest.mark.slow
def test_serve_publishes_nothing_but_what_is_asked_for(kafka_settings: KafkaSettings) -> None:
    with Ingestor(kafka_settings, "serve", "--source", "sample", "--start", "2013-02-01") as ingestor:
        ingestor.wait_for("waiting for backfill requests")
        publisher = Publisher(kafka_settings, "test")
        for symbol in ("NONE", "IBM"):
            publisher.send(kafka_settings.topics.backfill_requests, BackfillRequest(symbol=symbol))
        publisher.close()
        ingestor.wait_for('"outcome": "served"')
        ingestor.terminate()
        assert ingestor.wait(20) == 0
    assert "the sample holds AAPL, FB, GOOG, IBM, MSFT only" in ingestor.log
    assert {quote.symbol for quote in quotes(kafka_settings)} == {"IBM"}


@pytest.mark.slow
def test_run_asks_again_for_a_session_that_was_not_there(kafka_settings: KafkaSettings, write_csv: CsvWriter) -> None:
    sessions = recent_sessions(3)
    lines = [f"{session},1,1,1,1,1,1" for session in sessions]
    folder = write_csv("AAPL", YAHOO, *lines[:2])
    arguments = ("run", "--source", "csv", "--csv-folder", str(folder), "--retry-s", "0.5", "--log.level", "debug")
    with Ingestor(kafka_settings, *arguments) as ingestor:
        ingestor.wait_for("waiting for the next round")
        write_csv("AAPL", YAHOO, *lines)
        ingestor.wait_for('"new": 1')
    assert [str(quote.session) for quote in quotes(kafka_settings)] == sessions


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_one_failing_symbol_is_told_and_the_others_are_published(
    kafka_settings: KafkaSettings, yahoo_server: YahooServer
) -> None:
    sessions = [datetime.fromisoformat(session).date() for session in recent_sessions(2)]
    for symbol in ("AAPL", "MSFT"):
        yahoo_server.stocks[symbol] = Stock([Bar(session, 170.03) for session in sessions])
    arguments = ("once", "--symbols", "AAPL,GONE,MSFT", "--yahoo.url", yahoo_server.url)
    status, log = run(kafka_settings, *arguments)
    assert status == 1
    (failure,) = [json.loads(line) for line in log.splitlines() if "failed for a symbol" in line]
    assert failure["symbol"] == "GONE"
    assert "may be delisted" in failure["reason"]
    assert sorted({quote.symbol for quote in quotes(kafka_settings)}) == ["AAPL", "MSFT"]


@pytest.mark.slow
def test_a_file_of_symbols_names_the_universe(kafka_settings: KafkaSettings, tmp_path: Path) -> None:
    universe = tmp_path / "universe.txt"
    universe.write_text("# technology\nAAPL\nMSFT  # Redmond\n\n")
    arguments = ("backfill", "--source", "sample", "--start", "2013-02-28", "--symbols-file")
    assert run(kafka_settings, *arguments, universe)[0] == 0
    assert sorted({quote.symbol for quote in quotes(kafka_settings)}) == ["AAPL", "MSFT"]
    universe.write_text("AAPL\n../../etc\n")
    status, log = run(NOBODY, *arguments, universe)
    assert status == 1
    assert "universe.txt, line 2" in log
