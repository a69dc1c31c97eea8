"""The real `closecast-ingestor` as a child process."""

import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Self

from closecast.kafka import KafkaSettings


class Ingestor:
    """A running ingestor whose log can be waited on; it is killed when its `with` block ends."""

    def __init__(self, kafka: KafkaSettings | None, *arguments: str) -> None:
        environment = {key: value for key, value in os.environ.items() if not key.startswith("CLOSECAST_")}
        environment |= {"CLOSECAST_METRICS_PORT": "0"}
        if kafka is not None:
            environment |= {
                "CLOSECAST_KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap_servers,
                "CLOSECAST_KAFKA_TOPIC_PREFIX": kafka.topic_prefix,
                "CLOSECAST_KAFKA_PARTITIONS": str(kafka.partitions),
            }
        self._process = subprocess.Popen(
            [sys.executable, "-m", "closecast_ingestor", *arguments],
            env=environment,
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
        )
        self.log = ""
        self._grown = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def wait_for(self, text: str, timeout: float = 60, times: int = 1) -> None:
        """Return once the log holds a text so many times."""

        def is_there() -> bool:
            return self.log.count(text) >= times

        with self._grown:
            if not self._grown.wait_for(lambda: is_there() or self._process.poll() is not None, timeout):
                raise TimeoutError(self.log)
        assert is_there(), self.log

    def wait(self, timeout: float = 120) -> int:
        """Return the exit status once the process has ended."""
        status = self._process.wait(timeout)
        self._reader.join()
        return status

    def terminate(self) -> None:
        """Ask it to stop, as Kubernetes does."""
        self._process.terminate()

    def kill(self) -> bool:
        """End it by SIGKILL; tell whether it was still running."""
        running = self._process.poll() is None
        self._process.kill()
        self._process.wait()
        return running

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.kill()
        self._reader.join()

    def _read(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            with self._grown:
                self.log += line
                self._grown.notify_all()
        with self._grown:
            self._grown.notify_all()
        self._process.stderr.close()


def run(kafka: KafkaSettings | None, *arguments: str | Path, timeout: float = 120) -> tuple[int, str]:
    """Run the ingestor to its end and return its exit status and its log."""
    with Ingestor(kafka, *map(str, arguments)) as ingestor:
        return ingestor.wait(timeout), ingestor.log
