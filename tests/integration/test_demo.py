"""The demo from an empty folder to its end, with every real part."""

import re
import signal
import socket
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import psutil
import pytest

from closecast.events import Quote
from closecast.kafka import KafkaSettings, begins_of, new_consumer, partitions_of, read_to_end
from tests.integration.demos import Demo, eventually

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]
needs_ray = pytest.mark.ray
SYMBOLS = ("AAPL", "FB", "GOOG", "IBM", "MSFT")
QUOTES = 12_154


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    demo = Demo(tmp_path)
    yield demo
    demo.stop()
    assert demo.left_behind() == []


@needs_ray
@pytest.mark.mlflow
def test_it_forecasts_stops_and_goes_on_where_it_stopped(demo: Demo) -> None:
    assert demo.run("--once") == 0, demo.stderr
    assert demo.stderr == ""
    for symbol in SYMBOLS:
        headline = rf"^{symbol}  last close [\d.]+ USD on Fri 2013-03-01   .*skill"
        block = r"session( +\d\d-\d\d){10}\n90 % ( +[\d.]+){10}\nmedian( +[\d.]+){10}\n10 % ( +[\d.]+){10}\n"
        assert re.search(headline + r".*\n" + block, demo.stdout, re.MULTILINE), demo.stdout
    table = demo.stdout[demo.stdout.index("\nAAPL  ") :]
    assert max(len(line) for line in table.splitlines()) <= 100
    assert demo.left_behind() == []

    process = demo.start()
    eventually(lambda: "Ctrl-C" in demo.stdout, process)
    assert read_quotes(demo) == QUOTES
    assert count_trainings(demo) == 1
    answer = httpx.get(f"http://127.0.0.1:{demo.ports['port']}/forecast/MSFT").json()
    assert answer["last_close"] == 27.95
    unknown = f"http://127.0.0.1:{demo.ports['port']}/forecast/NOPE?fetch=true"
    assert httpx.get(unknown).status_code == 202
    eventually(lambda: httpx.get(unknown).status_code == 404, process)
    assert "the sample holds AAPL" in httpx.get(unknown).json()["detail"]

    process.send_signal(signal.SIGINT)
    assert process.wait(120) == 0
    assert demo.stderr == ""
    assert demo.left_behind() == []


def test_a_busy_port_is_told_with_its_holder_and_the_way_out(demo: Demo) -> None:
    with socket.create_server(("127.0.0.1", demo.ports["mlflow-port"])):
        assert demo.run() == 1
    port = demo.ports["mlflow-port"]
    assert re.fullmatch(
        rf"closecast: port {port} is in use \(by .*, process \d+\); "
        r"choose another with --mlflow-port or CLOSECAST_LOCAL_MLFLOW_PORT\n",
        demo.stderr,
    )


def test_a_dead_child_ends_the_demo_with_one_clear_line(demo: Demo) -> None:
    running = demo.start()
    log = demo.folder / ".closecast" / "logs" / "predictor.log"
    eventually(log.exists, running)

    for process in psutil.process_iter(["name", "cmdline"]):
        if is_broker_of(process, demo):
            process.kill()

    assert running.wait(120) == 1
    assert re.fullmatch(
        r"closecast: broker was killed by SIGKILL: .* \(log: .closecast/logs/broker.log\)\n", demo.stderr
    )


def test_two_demos_do_not_share_a_folder_and_stop_ends_the_first(demo: Demo) -> None:
    first = demo.start()
    eventually((demo.folder / ".closecast" / "logs" / "broker.log").exists, first)

    assert demo.run() == 1
    assert re.match(rf"closecast: a demo already runs in .*\.closecast \(process {first.pid}\); ", demo.stderr)

    first.send_signal(signal.SIGTERM)
    assert first.wait(120) == 130


def read_quotes(demo: Demo) -> int:
    """Return how many quotes the broker holds, having checked that none is there twice."""
    settings = KafkaSettings(bootstrap_servers=f"127.0.0.1:{demo.ports['broker-port']}")
    with closing(new_consumer(settings, "tests")) as consumer:
        start = begins_of(consumer, partitions_of(consumer, settings.topics.quotes))
        quotes = [Quote.from_bytes(record.value) for record in read_to_end(consumer, start)]
    assert len({quote.key() for quote in quotes}) == len(quotes)
    return len(quotes)


def count_trainings(demo: Demo) -> int:
    (database,) = (demo.folder / ".closecast").glob("*/mlflow/mlflow.db")
    with closing(sqlite3.connect(database)) as connection:
        (count,) = connection.execute("SELECT count(*) FROM runs").fetchone()
    return int(count)


def is_broker_of(process: psutil.Process, demo: Demo) -> bool:
    arguments = process.info["cmdline"] or []
    return "noida-db" in process.info["name"] and str(demo.ports["broker-port"]) in arguments
