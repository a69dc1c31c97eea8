"""What docs/operations has people on call run."""

import os
import re
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from closecast.events import DeadLetter
from closecast.kafka import KafkaSettings, Publisher, ensure_topics

RUNNING = Path(__file__).parents[2] / "docs/operations/running.md"


def test_dead_letters_can_be_looked_at(kafka_settings: KafkaSettings) -> None:
    [script] = re.findall(r"python - <<'END'\n(.*?)^END$", RUNNING.read_text(), re.MULTILINE | re.DOTALL)
    topic = kafka_settings.topics.quotes
    ensure_topics(kafka_settings, [topic, topic.dead_letters])
    with closing(Publisher(kafka_settings, "test")) as publisher:
        publisher.dead_letter(
            topic, DeadLetter(b"AAPL|2024-01-05", b"2024-01-05,,,", "close: is no price", "csv:AAPL.csv")
        )
        publisher.flush()

    environment = {name: value for name, value in os.environ.items() if not name.startswith("CLOSECAST_")} | {
        "CLOSECAST_KAFKA_BOOTSTRAP_SERVERS": kafka_settings.bootstrap_servers,
        "CLOSECAST_KAFKA_TOPIC_PREFIX": kafka_settings.topic_prefix,
    }
    done = subprocess.run(
        [sys.executable, "-"], input=script, env=environment, capture_output=True, text=True, timeout=60, check=True
    )
    [line] = done.stdout.splitlines()
    for told in ("AAPL|2024-01-05", "2024-01-05,,,", "close: is no price", "csv:AAPL.csv"):
        assert told in line
